import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { authenticationFrame, syncStep1Frame } from "../support/wire-frames.ts";

interface RawSocket {
	readonly ws: WebSocket;
	readonly received: Uint8Array[];
	closed(): Promise<{ code: number; reason: string }>;
}

async function rawSocket(url: string): Promise<RawSocket> {
	const ws = new WebSocket(url);
	onTestFinished(() => ws.terminate());
	const received: Uint8Array[] = [];
	ws.on("message", (data: Buffer) => received.push(data));
	const closed = once(ws, "close").then(([code, reason]) => ({ code, reason: String(reason) }));
	await once(ws, "open");
	return { ws, received, closed: () => closed };
}

/** The HTTP status with which an upgrade was refused. */
async function refusal(url: string): Promise<{ status: number; retryAfter: string | undefined }> {
	const ws = new WebSocket(url);
	const [request, response] = await once(ws, "unexpected-response");
	request.destroy();
	return { status: response.statusCode, retryAfter: response.headers["retry-after"] };
}

test("[TRN1] a peer that stops answering pings is dropped, and its presence with it", async () => {
	const { node, url, client } = await startLocalNode({ pingIntervalMs: 100 });
	const alive = await client("doc").synced();
	const { ws } = await rawSocket(url);
	ws.send(authenticationFrame("doc"));
	ws.send(syncStep1Frame("doc"));
	await eventually("both to be connected", () => node.connections === 2);
	ws.pause();
	await eventually("the silent one to be dropped", () => node.connections === 1);
	expect(alive.closes).toEqual([]);
});

test("[TRN1] whoever waits for a document that takes long to load is pinged meanwhile, and not taken for gone", async () => {
	const loading = Promise.withResolvers<void>();
	const { url } = await startLocalNode({ pingIntervalMs: 50, onLoadDocument: () => loading.promise });
	const { ws, received } = await rawSocket(url);
	let pings = 0;
	ws.on("ping", () => {
		pings += 1;
	});
	ws.send(syncStep1Frame("doc"));
	ws.send(authenticationFrame("doc"));
	await eventually("some pings", () => pings >= 4 || ws.readyState !== WebSocket.OPEN);
	expect(ws.readyState).toBe(WebSocket.OPEN);
	// That it is let in.
	expect(received).toHaveLength(1);
	loading.resolve();
	await eventually("the document", () => received.length > 1);
});

test("a socket that does not authenticate is closed", async () => {
	const { url } = await startLocalNode({ authTimeoutMs: 200 });
	const { closed } = await rawSocket(url);
	expect(await closed()).toEqual({ code: 4408, reason: "authentication-timeout" });
});

test("[TRN4] connections past the limit are refused with 503 and told when to come back", async () => {
	const { url } = await startLocalNode({ connectionsMax: 1 });
	await rawSocket(url);
	expect(await refusal(url)).toEqual({
		status: 503,
		retryAfter: expect.stringMatching(/^\d+$/),
	});
});

test.for([
	["a text frame", "hello", { code: 1003, reason: "unsupported-data" }],
	["an empty frame", new Uint8Array(), { code: 4400, reason: "malformed-message" }],
	["an empty document name", Uint8Array.of(0, 0), { code: 4404, reason: "invalid-document-name" }],
	["a name that is no text", Uint8Array.of(1, 255, 0), { code: 4404, reason: "invalid-document-name" }],
	[
		"a name longer than the frame",
		Uint8Array.of(200, 1, 65, 66),
		{ code: 4400, reason: "malformed-message" },
	],
	[
		"a huge length",
		Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 1),
		{ code: 4400, reason: "malformed-message" },
	],
	["an unknown message type", Uint8Array.of(1, 65, 99), { code: 4400, reason: "malformed-message" }],
	[
		"a name over the limit",
		authenticationFrame("n".repeat(1025)),
		{ code: 4404, reason: "invalid-document-name" },
	],
	["a frame over the limit", new Uint8Array(100_001), { code: 1009, reason: "frame-too-big" }],
] as const)(
	"[TRN5] %s costs its sender the connection and nobody else anything",
	async ([, frame, close]) => {
		const { url, client } = await startLocalNode({ frameBytesMax: 100_000 });
		const other = await (await client("doc").synced()).saved();
		const { ws, closed } = await rawSocket(url);
		ws.send(frame);
		expect(await closed()).toEqual(close);
		await other.type("still here").saved();
		expect(other.closes).toEqual([]);
	},
);

test("a provider's answer to an application-level ping is taken", async () => {
	const { url } = await startLocalNode();
	const { ws, received } = await rawSocket(url);
	ws.send(Uint8Array.of(10));
	ws.send(authenticationFrame("doc"));
	await eventually("an answer", () => received.length > 0);
	expect(ws.readyState).toBe(WebSocket.OPEN);
});

test.for([
	"constructor",
	"__proto__",
	"toString",
	"a/b?c=d#e",
	"🖋️ Tinte",
	'"; DROP TABLE documents',
	"n".repeat(1024),
])("a document may be called %s", async (name) => {
	const { client } = await startLocalNode();
	await (await client(name).synced()).type("named").saved();
	const reader = await client(name).synced();
	expect(reader.text.toString()).toBe("named");
});

test("[TRN5] a hook that fails is logged, and the process goes on", async () => {
	const errors: string[] = [];
	const log = {
		debug: () => {},
		info: () => {},
		warn: () => {},
		error: (_: object, message: string) => errors.push(message),
	};
	const { client } = await startLocalNode({
		logger: log,
		onChange: () => Promise.reject(new Error("broken")),
		onDisconnect: () => Promise.reject(new Error("broken")),
	});
	const author = await (await client("doc").synced()).type("x").saved();
	author.destroy();
	await eventually(
		"both failures to be logged",
		() => errors.filter((message) => message === "a hook failed").length >= 2,
	);
});

test("users' hooks work: authentication, context, loading, changes", async () => {
	const seen: string[] = [];
	const { client } = await startLocalNode({
		async onAuthenticate({ token }) {
			if (token !== "secret") throw Object.assign(new Error(""), { reason: "wrong-token" });
			return { user: "ann" };
		},
		async onChange({ context, documentName }) {
			seen.push(`${context.user} changed ${documentName}`);
		},
		extensions: [{ onConnect: async ({ documentName }) => void seen.push(`connecting to ${documentName}`) }],
	});
	const stranger = client("doc", { token: "guess" });
	await eventually("the denial", () => stranger.denials.length > 0);
	expect(stranger.denials).toEqual(["wrong-token"]);
	await (await client("doc", { token: "secret" }).synced()).type("x").saved();
	expect(seen).toEqual(["connecting to doc", "connecting to doc", "ann changed doc"]);
});

test("read-only people read, and are told that nothing of theirs was saved", async () => {
	const { client } = await startLocalNode({
		async onAuthenticate({ token, connectionConfig }) {
			connectionConfig.readOnly = token === "reader";
		},
	});
	await (await client("doc").synced()).type("published").saved();
	const reader = await client("doc", { token: "reader" }).synced();
	expect(reader.text.toString()).toBe("published");
	reader.type(" and defaced");
	const other = await client("doc").synced();
	await other.type("!").saved();
	await eventually("the reader to see the edit", () => reader.text.toString().includes("!"));
	expect(other.text.toString()).toBe("published!");
	expect(reader.provider.hasUnsyncedChanges).toBe(true);
});

test("[TRN3] draining refuses newcomers, closes sockets with 1012 in slices, and writes what is left", async () => {
	const { node, store, url, client } = await startLocalNode({ drainWindowMs: 300 });
	const people = await Promise.all([1, 2, 3, 4].map((person) => client(`doc ${person}`).synced()));
	const first = await (people[0] as (typeof people)[0]).saved();
	const release = store.hold();
	first.type("just before");
	await eventually("the append to arrive", () => store.appends > 0);
	const draining = node.drain();
	expect(node.readiness()).toEqual({ ready: false, reasons: ["the node is draining"] });
	expect((await refusal(url)).status).toBe(503);
	await eventually("everybody to be closed", () =>
		people.every(({ closes }) => closes.some(({ code }) => code === 1012)),
	);
	let drained = false;
	const watched = draining.then(() => (drained = true));
	await new Promise((resolve) => setImmediate(resolve));
	expect(drained).toBe(false);
	release();
	await watched;
	expect(store.committed.flat()).toContain("doc 1");
	expect(await node.close()).toEqual({ drained: true, unwrittenUpdates: 0 });
});

test("[TRN3] closing has a deadline, and says what was not written", async () => {
	const { node, store, client } = await startLocalNode({ shutdownDeadlineMs: 100 });
	const author = await (await client("doc").synced()).saved();
	store.fail();
	author.type("never written");
	await eventually("an attempt", () => store.appends > 0);
	expect(await node.close()).toEqual({ drained: false, unwrittenUpdates: 1 });
	expect(author.provider.hasUnsyncedChanges).toBe(true);
});

test("[TRN3] a window that is longer than the deadline leaves nobody to be cut off", async () => {
	const { node, url } = await startLocalNode({ drainWindowMs: 600_000, shutdownDeadlineMs: 1_500 });
	const closes: number[] = [];
	for (let people = 0; people < 20; people += 1)
		(await rawSocket(url)).ws.on("close", (code: number) => closes.push(code));
	expect(await node.close()).toEqual({ drained: true, unwrittenUpdates: 0 });
	await eventually("all to know", () => closes.length === 20);
	expect(new Set(closes)).toEqual(new Set([1012]));
});

test("[TRN3] a client that has gone without a word does not hold up the stop", async () => {
	const { node, url, client } = await startLocalNode({ shutdownDeadlineMs: 60_000 });
	const alive = await client("doc").synced();
	const { ws } = await rawSocket(url);
	ws.pause();
	alive.type("last words");
	expect(await node.close()).toEqual({ drained: true, unwrittenUpdates: 0 });
	expect(alive.closes[0]).toEqual({ code: 1012, reason: "service-restart" });
});

/** A bare TCP connection that asks for an upgrade, and never closes by itself. */
async function askForUpgrade(url: string, path: string): Promise<Socket> {
	const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true });
	onTestFinished(() => {
		socket.destroy();
	});
	socket.on("error", () => {});
	socket.write(
		`GET ${path} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
	);
	return socket;
}

test("[TRN5] a client that is cut off while an onUpgrade hook decides about it does not end the process", async () => {
	const strays: unknown[] = [];
	const listener = (error: unknown) => strays.push(error);
	process.on("uncaughtException", listener);
	onTestFinished(() => {
		process.off("uncaughtException", listener);
	});
	const decided = Promise.withResolvers<void>();
	const asked = Promise.withResolvers<Duplex>();
	const { url, client } = await startLocalNode({
		async onUpgrade({ request, socket }) {
			if (request.url !== "/slow") return;
			asked.resolve(socket);
			await decided.promise;
		},
	});
	const peer = await askForUpgrade(url, "/slow");
	const socket = await asked.promise;
	peer.resetAndDestroy();
	await eventually("the server to notice", () => socket.destroyed);
	decided.resolve();
	await client("doc").type("served").saved();
	expect(strays).toEqual([]);
});

test("a refused client that keeps its end open does not keep the server's", async () => {
	const { node, url } = await startLocalNode({ connectionsMax: 1 });
	await rawSocket(url);
	await eventually("the only place to be taken", () => node.connections === 1);
	const socket = await askForUpgrade(url, "/");
	socket.resume();
	await once(socket, "end");
	// Whoever writes to a socket that was closed gets a reset; a half open one takes it.
	await eventually(
		"the server's end to be closed",
		() => socket.destroyed || !socket.write("anybody there?"),
	);
	expect(socket.errored).toBeTruthy();
});

test("[TRN3] an onDestroy hook that never ends does not hold up the stop", async () => {
	const { node } = await startLocalNode({ onDestroy: () => new Promise(() => {}) });
	expect(await node.close()).toEqual({ drained: true, unwrittenUpdates: 0 });
});
