import { once } from "node:events";
import { connect } from "node:net";
import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { expect, onTestFinished, test } from "vitest";
import type { LimitEvent } from "../../extensions/limits/index.ts";
import { createNode } from "../../server/index.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNodeOptions, startLocalNode } from "../support/local-node.ts";
import { openRawSocket, upgradeStatus } from "../support/raw-socket.ts";
import { signToken, testSecret } from "../support/tokens.ts";
import { authenticationFrame } from "../support/wire-frames.ts";

async function startLimited(options: LocalNodeOptions) {
	const events: LimitEvent[] = [];
	const local = await startLocalNode({ ...options, onLimitEvent: (event) => events.push(event) });
	const count = (type: LimitEvent["type"], limit: LimitEvent["limit"]) =>
		events.filter((event) => event.type === type && event.limit === limit).length;
	return { ...local, count };
}

/** One socket for all the documents, as an application with many of them has. */
function openMany(url: string, names: readonly string[], token: string | null = null) {
	const websocketProvider = new HocuspocusProviderWebsocket({ url, delay: 50, minDelay: 50, maxDelay: 100 });
	const denials: string[] = [];
	const providers: HocuspocusProvider[] = [];
	const open = (name: string) => {
		const provider = new HocuspocusProvider({
			websocketProvider,
			name,
			token,
			onAuthenticationFailed: ({ reason }) => denials.push(reason),
		});
		provider.attach();
		providers.push(provider);
		return provider;
	};
	for (const name of names) open(name);
	onTestFinished(() => {
		for (const provider of providers) provider.destroy();
		websocketProvider.destroy();
	});
	return { open, providers, denials, synced: () => providers.filter(({ isSynced }) => isSynced).length };
}

const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
const trustedProxies = "127.0.0.1";

test("[TRN5] an address has a number of connections; another address, and a /64 of IPv6, have their own", async () => {
	const { url, node, count } = await startLimited({ connectionsPerAddressMax: 2, trustedProxies });
	const first = await openRawSocket(url, from("203.0.113.7"));
	await openRawSocket(url, from("203.0.113.7"));
	expect(await upgradeStatus(url, from("203.0.113.7"))).toEqual({
		status: 429,
		retryAfter: expect.stringMatching(/^\d+$/),
	});
	await openRawSocket(url, from("2001:db8::1"));
	await openRawSocket(url, from("2001:db8::2"));
	expect((await upgradeStatus(url, from("2001:db8::3"))).status).toBe(429);
	expect((await upgradeStatus(url, from("203.0.113.8"))).status).toBe(101);
	expect(count("refused", "connections-per-address")).toBe(2);
	first.ws.close();
	await eventually("the first to be gone", () => node.connections === 4);
	expect((await upgradeStatus(url, from("203.0.113.7"))).status).toBe(101);
});

test("a company's own addresses, and proxies that are not trusted, are not limited", async () => {
	const { url, count } = await startLimited({ connectionsPerAddressMax: 1, handshakesPerSecondMax: 1 });
	const options = from("203.0.113.7");
	const statuses = await Promise.all(Array.from({ length: 60 }, () => upgradeStatus(url, options)));
	expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set([101]));
	expect(count("refused", "connections-per-address")).toBe(0);
});

test("[TRN5] a flood of handshakes from one address is refused, and others are let in", async () => {
	const { url, client, count } = await startLimited({ handshakesPerSecondMax: 1, trustedProxies });
	const flood = Array.from({ length: 120 }, () => upgradeStatus(url, from("203.0.113.7")));
	const quiet = await client("doc").synced();
	const statuses = (await Promise.all(flood)).map(({ status }) => status);
	expect(statuses.filter((status) => status === 101).length).toBeGreaterThanOrEqual(50);
	expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(30);
	expect(count("refused", "handshakes-per-address")).toBeGreaterThan(30);
	await quiet.type("hello").saved();
	expect((await upgradeStatus(url, from("203.0.113.8"))).status).toBe(101);
});

test("[TRN5] a user has a number of connections; the one too many is closed, and told to come back", async () => {
	const { url, client, count } = await startLimited({ authJwtSecret: testSecret, connectionsPerUserMax: 2 });
	const token = await signToken({ sub: "u1" });
	const first = await client("a", { token }).synced();
	const second = await client("b", { token }).synced();
	const third = await openRawSocket(url);
	third.ws.send(authenticationFrame("c", token));
	await eventually("the third to be closed", () => third.closes.length > 0);
	expect(third.closes).toEqual([{ code: 4429, reason: "too-many-connections" }]);
	expect(count("closed", "connections-per-user")).toBe(1);
	await client("c", { token: await signToken({ sub: "u2" }) }).synced();
	expect([...first.closes, ...second.closes]).toEqual([]);
	first.destroy();
	await client("d", { token }).synced();
	await second.type("still here").saved();
});

test("[TRN5] a document has a number of clients; others are refused it and nothing else", async () => {
	const { client, url, count } = await startLimited({ connectionsPerDocumentMax: 2 });
	const inside = [await client("full").synced(), await client("full").synced()];
	const { denials, providers } = openMany(url, ["full", "other"]);
	await eventually("one to be refused", () => denials.length > 0);
	await eventually("the other document to open", () => providers[1]?.isSynced);
	expect(denials).toEqual(["document-full"]);
	expect(count("refused", "connections-per-document")).toBe(1);
	inside[0]?.destroy();
	await eventually("the place to be free", async () => {
		const late = openMany(url, ["full"]);
		await eventually("an answer", () => late.synced() + late.denials.length > 0);
		return late.synced() === 1;
	});
	expect(inside[1]?.closes).toEqual([]);
});

test("[TRN5] many who come to a document at once, while it is loaded, are not more than it takes", async () => {
	const { node, url, count } = await startLimited({ connectionsPerDocumentMax: 3 });
	const all = Array.from({ length: 10 }, () => openMany(url, ["full"]));
	await eventually("all others to be refused", () => count("refused", "connections-per-document") === 7);
	await eventually("three to be in", () => all.filter(({ synced }) => synced() === 1).length >= 3);
	expect(node.hocuspocus.documents.get("full")?.getConnectionsCount()).toBe(3);
});

test("[TRN5] a connection has a number of documents; others are refused, those that are open stay", async () => {
	const { url, count } = await startLimited({ documentsPerConnectionMax: 5 });
	const many = openMany(url, ["1", "2", "3", "4", "5"]);
	await eventually("five to be open", () => many.synced() === 5);
	const sixth = many.open("6");
	await eventually("the sixth to be refused", () => many.denials.length > 0);
	expect(sixth.isSynced).toBe(false);
	expect(many.denials).toEqual(["too-many-documents"]);
	expect(count("refused", "documents-per-connection")).toBe(1);
	expect(many.synced()).toBe(5);
});

test("[TRN5] a connection that asks for too many documents at once gets as many as it may have, and stays", async () => {
	const { node, url, count } = await startLimited({ documentsPerConnectionMax: 5 });
	openMany(
		url,
		Array.from({ length: 9 }, (_, index) => `document-${index}`),
	);
	await eventually("four to be refused", () => count("refused", "documents-per-connection") === 4);
	const open = () => [...node.hocuspocus.documents.values()].filter((one) => one.getConnectionsCount() > 0);
	await eventually("five to be open", () => open().length === 5);
	expect(node.connections).toBe(1);
});

test("a client that comes back to 500 documents at once gets them all, with the limits as they are", async () => {
	const { url } = await startLimited({});
	const names = Array.from({ length: 500 }, (_, index) => `document-${index}`);
	const { synced, denials } = openMany(url, names);
	await eventually("all to be open", () => synced() === 500, 60_000);
	expect(denials).toEqual([]);
});

test.for([
	["a\nb", undefined, false],
	["a\u0085b", undefined, false],
	["Ärger mit 🦊 / 2026", undefined, true],
	["board-17", "[a-z]+-\\d+", true],
	["board-17!", "[a-z]+-\\d+", false],
	["x", "a|b", false],
	["team-7/board", "[a-z0-9/-]+", true],
] as const)(
	"[TRN5] a document may be called %j with the pattern %s: %s",
	async ([name, pattern, isAllowed]) => {
		const { url, count } = await startLimited({ documentNamePattern: pattern });
		const { synced, denials } = openMany(url, [name]);
		await eventually("an answer", () => synced() + denials.length > 0);
		expect(denials).toEqual(isAllowed ? [] : ["invalid-document-name"]);
		expect(count("refused", "document-name")).toBe(isAllowed ? 0 : 1);
	},
);

test("a pattern for names that is none ends the start with a reason", async () => {
	await expect(createNode({ documentNamePattern: "[a-z" })).rejects.toThrow(
		/documentNamePattern .*must be a regular expression/,
	);
});

test("[TRN5] whoever opens a document as nobody first is counted for its user all the same", async () => {
	const { url, client, count } = await startLimited({
		authJwtSecret: testSecret,
		authAnonymousRead: "public",
		connectionsPerUserMax: 1,
	});
	const token = await signToken({ sub: "u1" });
	await client("mine", { token }).synced();
	const sly = await openRawSocket(url);
	sly.ws.send(authenticationFrame("public", ""));
	await eventually("it to be let in", () => sly.received.length > 0);
	sly.ws.send(authenticationFrame("mine", token));
	await eventually("it to be closed", () => sly.closes.length > 0);
	expect(sly.closes).toEqual([{ code: 4429, reason: "too-many-connections" }]);
	expect(count("closed", "connections-per-user")).toBe(1);
});

test("a client that opens document after document on one socket, and leaves each, is never refused one", async () => {
	const { url, node, count } = await startLimited({ documentsPerConnectionMax: 2 });
	const { open, denials, providers } = openMany(url, ["stays"]);
	for (let visit = 0; visit < 20; visit += 1) {
		const provider = open(`page ${visit}`);
		// Every other one is left before it is open.
		if (visit % 2 === 0) await eventually("it to open", () => provider.isSynced);
		provider.destroy();
		await eventually("it to be left", () => {
			const document = node.hocuspocus.documents.get(`page ${visit}`);
			return document === undefined || document.getConnectionsCount() === 0;
		});
	}
	expect(denials).toEqual([]);
	expect(count("refused", "documents-per-connection")).toBe(0);
	expect(providers[0]?.isSynced).toBe(true);
	expect(node.connections).toBe(1);
});

test("[TRN5] handshakes that end midway, by whoever it is, leave no connection counted", async () => {
	const { url, port, client } = await startLimited({ connectionsPerAddressMax: 2, trustedProxies });
	const head = (key: string) =>
		`GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
	const good = head("dGhlIHNhbXBsZSBub25jZQ==");
	for (const [request, isLeftAtOnce] of [
		[good, true],
		[good, false],
		[head("none"), false],
	] as const) {
		for (let handshake = 0; handshake < 5; handshake += 1) {
			const socket = connect(port, "127.0.0.1");
			socket.on("error", () => {});
			await once(socket, "connect");
			socket.write(request);
			if (!isLeftAtOnce) await once(socket, "data");
			socket.resetAndDestroy();
		}
	}
	await client("doc").synced();
	let open = 0;
	await eventually("the address to have its two connections", async () => {
		const { status } = await upgradeStatus(url, from("203.0.113.7"));
		if (status === 101) open += 1;
		return open === 2;
	});
	expect((await upgradeStatus(url, from("203.0.113.7"))).status).toBe(429);
});
