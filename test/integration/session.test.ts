import { type Configuration, Server } from "@hocuspocus/server";
import * as encoding from "lib0/encoding";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import type { Hooks } from "../../server/hooks.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { openRawSocket, type RawSocket } from "../support/raw-socket.ts";
import {
	authenticationFrame,
	messageFrame,
	syncStep1Frame,
	syncStep2Frame,
	updateFrame,
} from "../support/wire-frames.ts";

/** Hooks that Hocuspocus' own `ClientConnection` runs on a stock server, where our session does. */
const sessionHooks = [
	"onConnect",
	"onAuthenticate",
	"onLoadDocument",
	"connected",
	"beforeHandleMessage",
	"beforeSync",
	"afterHandleMessage",
	"onStateless",
	"onTokenSync",
	"onDisconnect",
] as const;

const messageType = { auth: 2, stateless: 5 } as const;
const address = "board\0a session";

/** What hooks hear, and what is told of them: names of what they are given, and what can be compared. */
function recorder() {
	const heard: unknown[] = [];
	const hooks = Object.fromEntries(
		sessionHooks.map((name) => [
			name,
			async (payload: Record<string, unknown>) => {
				const { documentName, connectionConfig, context, clientsCount, token, type } = payload;
				const { providerVersion, requestParameters, requestHeaders, connection } = payload;
				heard.push({
					name,
					fields: Object.keys(payload).sort(),
					said: {
						documentName,
						connectionConfig: { ...(connectionConfig as object) },
						context: { ...(context as object) },
						clientsCount,
						token,
						type,
						providerVersion,
						parameters: requestParameters && [...(requestParameters as URLSearchParams)],
						cookie: (requestHeaders as Headers | undefined)?.get("cookie"),
						address: (connection as { messageAddress?: string } | undefined)?.messageAddress,
						readOnly: (connection as { readOnly?: boolean } | undefined)?.readOnly,
					},
				});
				if (name === "onConnect") return { from: "onConnect" };
				if (name === "onTokenSync") return { from: "onTokenSync" };
				if (name !== "onAuthenticate") return undefined;
				if (token === "wrong") throw Object.assign(new Error(""), { reason: "not-you" });
				(connectionConfig as { readOnly: boolean }).readOnly = token === "reader";
				return { user: { id: "ada" } };
			},
		]),
	) as Hooks;
	return { heard, hooks };
}

/** Sends one after the other what a client with a session of its own does, each when the one before was answered or heard of. */
async function converse(socket: RawSocket, heard: readonly unknown[]): Promise<void> {
	const step = async (frame: Uint8Array, hooks: number, answers: number) => {
		const [heardBefore, receivedBefore] = [heard.length, socket.received.length];
		socket.ws.send(frame);
		await eventually(
			`what follows ${Buffer.from(frame).toString("latin1")}`,
			() => heard.length === heardBefore + hooks && socket.received.length === receivedBefore + answers,
		);
	};
	const token = (text: string) =>
		messageFrame(address, (encoder) => {
			encoding.writeVarUint(encoder, messageType.auth);
			encoding.writeVarUint(encoder, 0);
			encoding.writeVarString(encoder, text);
			encoding.writeVarString(encoder, "4.8.0");
		});
	await step(token("wrong"), 2, 1);
	await step(token("reader"), 4, 1);
	await step(syncStep1Frame(address), 3, 2);
	await step(syncStep2Frame(address, new Uint8Array([0, 0])), 3, 1);
	const stateless = messageFrame(address, (encoder) => {
		encoding.writeVarUint(encoder, messageType.stateless);
		encoding.writeVarString(encoder, "hello");
	});
	await step(stateless, 3, 0);
	await step(token("newer"), 3, 0);
	await step(authenticationFrame("other", "writer"), 4, 1);
	socket.ws.close();
	await eventually("the end of both", () => heard.length === 24);
}

test("hooks of a session hear the same as on a stock server, in the same order, and its client is told the same", async () => {
	const [ours, theirs] = [recorder(), recorder()];
	const { url } = await startLocalNode(ours.hooks);
	const stock = new Server({
		port: 0,
		quiet: true,
		stopOnSignals: false,
		...theirs.hooks,
	} as Partial<Configuration>);
	await stock.listen();
	onTestFinished(() => void stock.destroy());
	const options = { headers: { cookie: "a=b" } };
	const socket = await openRawSocket(`${url}/?page=1&x=%20`, options);
	const stockSocket = await openRawSocket(`${stock.webSocketURL}/?page=1&x=%20`, options);
	await converse(socket, ours.heard);
	await converse(stockSocket, theirs.heard);
	expect(ours.heard).toEqual(theirs.heard);
	const said = ({ received }: RawSocket) => received.map((frame) => Buffer.from(frame).toString("latin1"));
	expect(said(socket)).toEqual(said(stockSocket));
});

test("hooks are given a request and headers as the Fetch standard has them", async () => {
	const given: [Request, Headers][] = [];
	const { url, client } = await startLocalNode({
		async onConnect({ request, requestHeaders }) {
			given.push([request, requestHeaders]);
		},
	});
	await client("doc", { url: `${url}/page?x=1` }).synced();
	const [request, headers] = given[0] ?? [];
	expect([request instanceof Request, headers instanceof Headers]).toEqual([true, true]);
	expect([request?.method, new URL(request?.url ?? "").search]).toEqual(["GET", "?x=1"]);
	expect(request?.headers).toBe(headers);
	expect(headers?.get("Upgrade")).toBe("websocket");
	expect(new Map(headers)).toEqual(new Map(new Headers(headers)));
	expect(await request?.clone().text()).toBe("");
});

test("[TRN5] credentials that can't be read end the connection", async () => {
	const { url, node } = await startLocalNode();
	const { ws, closes } = await openRawSocket(url);
	ws.send(messageFrame("doc", (encoder) => encoding.writeVarUint(encoder, messageType.auth)));
	await eventually("it to be closed", () => closes.length > 0);
	expect(closes).toEqual([{ code: 4400, reason: "malformed-message" }]);
	expect(node.hocuspocus.documents.size).toBe(0);
});

test("[DUR6] nothing is loaded for somebody who has gone while their token was looked at", async () => {
	const [arrived, judged] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
	const loaded: string[] = [];
	const { url, node, client } = await startLocalNode({
		async onAuthenticate({ documentName }) {
			if (documentName !== "left") return;
			arrived.resolve();
			await judged.promise;
		},
		async onLoadDocument({ documentName }) {
			loaded.push(documentName);
		},
	});
	const { ws } = await openRawSocket(url);
	ws.send(authenticationFrame("left"));
	await arrived.promise;
	ws.terminate();
	await eventually("it to be gone", () => node.connections === 0);
	judged.resolve();
	await client("other").synced();
	expect(loaded).toEqual(["other"]);
});

test("[DUR6] a document that was loaded for somebody who has gone meanwhile leaves memory", async () => {
	const [arrived, loaded] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
	const left: string[] = [];
	const { url, node } = await startLocalNode({
		async onLoadDocument() {
			arrived.resolve();
			await loaded.promise;
		},
		async onDisconnect({ documentName }) {
			left.push(documentName);
		},
	});
	const { ws } = await openRawSocket(url);
	ws.send(authenticationFrame("left"));
	await arrived.promise;
	ws.terminate();
	await eventually("it to be gone", () => node.connections === 0);
	loaded.resolve();
	await eventually("it to be told of", () => left.length > 0);
	await eventually("the document to leave", () => node.hocuspocus.documents.size === 0);
	expect(left).toEqual(["left"]);
});

test("[TRN5] what waits until a client is let in takes no more memory than it is long", async () => {
	const admission = Promise.withResolvers<void>();
	const waited: Uint8Array[] = [];
	const { url } = await startLocalNode({
		onAuthenticate: () => admission.promise,
		async beforeHandleMessage({ update }) {
			waited.push(update);
		},
	});
	const { ws, received } = await openRawSocket(url);
	const document = new Y.Doc();
	document.getText("text").insert(0, "x".repeat(1_000));
	const update = Y.encodeStateAsUpdate(document);
	for (let n = 0; n < 20; n += 1) ws.send(updateFrame("early", update));
	ws.send(authenticationFrame("early"));
	for (let n = 0; n < 20; n += 1) ws.send(updateFrame("early", update));
	ws.send(authenticationFrame("other"));
	admission.resolve();
	await eventually("all of it", () => waited.length === 40 && received.length > 40);
	for (const { byteLength, buffer } of waited) expect(buffer.byteLength).toBe(byteLength);
});

test("a change of what a client may do is not counted as one more document", async () => {
	const ends: { documents?: number }[] = [];
	const quiet = () => {};
	const { url, node } = await startLocalNode({
		authDefaultAccess: "write",
		logger: {
			debug: quiet,
			info: (fields: object, message: string) => {
				if (message === "a connection ended") ends.push(fields);
			},
			warn: quiet,
			error: quiet,
		},
	} as Parameters<typeof startLocalNode>[0]);
	const { ws, received } = await openRawSocket(url);
	ws.send(authenticationFrame("doc"));
	await eventually("it to be let in", () => received.length > 0);
	await eventually("it to be open", () => node.hocuspocus.documents.has("doc"));
	node.revoke({ document: "doc", action: "readonly" });
	await eventually("it to be told", () => received.length > 1);
	ws.close();
	await eventually("its line", () => ends.length === 1);
	expect(ends[0]?.documents).toBe(1);
});
