import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import type { LimitEvent } from "../../extensions/limits/index.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNodeOptions, startLocalNode } from "../support/local-node.ts";
import { openRawSocket, type RawSocket } from "../support/raw-socket.ts";
import { signToken, testSecret } from "../support/tokens.ts";
import { authenticationFrame, syncStep1Frame, updateFrame } from "../support/wire-frames.ts";

async function startLimited(options: LocalNodeOptions) {
	const events: LimitEvent[] = [];
	const local = await startLocalNode({ ...options, onLimitEvent: (event) => events.push(event) });
	const count = (type: LimitEvent["type"], limit: LimitEvent["limit"]) =>
		events.filter((event) => event.type === type && event.limit === limit).length;
	return { ...local, count };
}

/** Sends so many messages whenever the server has read the last ones, until the test ends. */
function flood({ ws }: RawSocket, frame: Uint8Array, frames: number): void {
	const timer = setInterval(() => {
		if (ws.readyState !== ws.OPEN || ws.bufferedAmount > 1_000_000) return;
		for (let sent = 0; sent < frames; sent += 1) ws.send(frame);
	}, 10);
	onTestFinished(() => clearInterval(timer));
}

test("[TRN5] whoever sends too many messages is read slowly, then closed, while others notice nothing", async () => {
	const { url, client, count } = await startLimited({
		messagesPerSecondMax: 200,
		slowedMsMax: 1_000,
		pingIntervalMs: 100,
	});
	const writer = await client("doc").synced();
	const reader = await client("doc").synced();
	const noisy = await openRawSocket(url);
	noisy.ws.send(authenticationFrame("noise"));
	await eventually("it to be let in", () => noisy.received.length > 0);
	flood(noisy, syncStep1Frame("noise"), 500);
	await eventually("it to be slowed", () => count("slowed", "connection-rate") > 0);
	writer.type("all is quiet here");
	await writer.saved();
	await eventually("the reader to see it", () => reader.text.toString() === "all is quiet here");
	await eventually("it to be closed", () => noisy.closes.length > 0);
	expect(noisy.closes).toEqual([{ code: 4429, reason: "rate-exceeded" }]);
	expect(count("closed", "connection-rate")).toBe(1);
	expect([...writer.closes, ...reader.closes]).toEqual([]);
});

test("[TRN5] whoever is slowed for a while is not taken for dead, and nothing of what it sent is lost", async () => {
	const { client, count } = await startLimited({
		bytesPerSecondMax: 100_000,
		frameBytesMax: 100_000,
		// Often within the seconds that it takes, and not so often that a busy machine is late.
		pingIntervalMs: 250,
	});
	const writer = await client("doc").synced();
	for (let page = 0; page < 14; page += 1) writer.type("x".repeat(90_000));
	await writer.saved();
	expect(count("slowed", "connection-rate")).toBeGreaterThan(0);
	expect(writer.closes).toEqual([]);
});

test("[TRN5] connections of one user are slowed together, those of another are not", async () => {
	const { url, client, count } = await startLimited({
		authJwtSecret: testSecret,
		messagesPerSecondMax: 0,
		userMessagesPerSecondMax: 200,
		slowedMsMax: 60_000,
	});
	const token = await signToken({ sub: "noisy" });
	const sockets = await Promise.all([openRawSocket(url), openRawSocket(url)]);
	for (const socket of sockets) {
		socket.ws.send(authenticationFrame("doc", token));
		await eventually("it to be let in", () => socket.received.length > 0);
		flood(socket, syncStep1Frame("doc"), 100);
	}
	await eventually("both to be slowed", () => count("slowed", "user-rate") > 3);
	const other = await client("doc", { token: await signToken({ sub: "quiet" }) }).synced();
	await other.type("hello").saved();
	expect(count("slowed", "connection-rate")).toBe(0);
	expect(count("closed", "user-rate")).toBe(0);
});

test("[TRN5] whoever tries token after token is slowed soon; an expired one for hundreds of documents is not", async () => {
	const { url, client, count } = await startLimited({ authJwtSecret: testSecret });
	const expired = await openRawSocket(url);
	for (let tries = 0; tries < 400; tries += 1) expired.ws.send(authenticationFrame(`doc-${tries}`, "a.b.c"));
	await eventually("all to be refused", () => expired.received.length === 400);
	expect(count("slowed", "connection-rate")).toBe(0);
	const guesser = await openRawSocket(url);
	for (let tries = 0; tries < 3_000; tries += 1)
		guesser.ws.send(authenticationFrame(`doc-${tries}`, `${tries}.${"x".repeat(500)}.z`));
	await eventually("it to be slowed", () => count("slowed", "connection-rate") > 0);
	const other = await client("doc", { token: await signToken({ sub: "quiet" }) }).synced();
	await other.type("hello").saved();
	expect(guesser.received.length).toBeLessThan(2_000);
});

test("[TRN5] what comes before anybody was let in is read up to a bound, and on after that", async () => {
	const admission = Promise.withResolvers<void>();
	const { url, node, client, count } = await startLimited({
		unauthenticatedBytesMax: 100_000,
		pingIntervalMs: 50,
		onAuthenticate: async ({ token }) => {
			if (token === "slow") await admission.promise;
		},
	});
	const early = await openRawSocket(url);
	early.ws.send(authenticationFrame("doc", "slow"));
	const document = new Y.Doc();
	document.on("update", (update) => early.ws.send(updateFrame("doc", update)));
	for (let page = 0; page < 40; page += 1) document.getText("text").insert(0, "x".repeat(50_000));
	await eventually("it to be held", () => count("slowed", "unauthenticated-bytes") === 1);
	const others = await client("other").synced();
	await others.type("in the meantime").saved();
	expect(node.connections).toBe(2);
	admission.resolve();
	const reader = await client("doc").synced();
	await eventually("all of it to arrive", () => reader.text.length === 2_000_000);
	expect(early.closes).toEqual([]);
	expect(count("slowed", "unauthenticated-bytes")).toBe(1);
});

test("[TRN5] a refusal of one document does not make room for more that waits for another one", async () => {
	const admission = Promise.withResolvers<void>();
	const { url, client, count } = await startLimited({
		unauthenticatedBytesMax: 100_000,
		onAuthenticate: async ({ token }) => {
			if (token === "slow") await admission.promise;
			if (token === "wrong") throw new Error("wrong");
		},
	});
	const early = await openRawSocket(url);
	early.ws.send(authenticationFrame("doc", "slow"));
	const document = new Y.Doc();
	document.on("update", (update: Uint8Array) => early.ws.send(updateFrame("doc", update)));
	const isHeld = () => count("slowed", "unauthenticated-bytes") > 0;
	for (let page = 1; page <= 10 && !isHeld(); page += 1) {
		document.getText("text").insert(0, "x".repeat(40_000));
		early.ws.send(authenticationFrame(`other-${page}`, "wrong"));
		await eventually("a refusal, or that nothing is read", () => early.received.length === page || isHeld());
	}
	expect(isHeld()).toBe(true);
	expect(early.received.length).toBeLessThan(5);
	admission.resolve();
	const reader = client("doc");
	await eventually("all of it", () => reader.text.length === document.getText("text").length);
	expect(early.closes).toEqual([]);
});

test("[TRN5] somebody who was let in elsewhere does not have the node keep what they send for documents that they never open", async () => {
	const { url, node, client, count } = await startLimited({ unauthenticatedBytesMax: 100_000 });
	const ann = await client("other").synced();
	const raw = await openRawSocket(url);
	raw.ws.send(authenticationFrame("doc"));
	raw.ws.send(syncStep1Frame("doc"));
	await eventually("it to be let in", () => raw.received.length > 1);
	const document = new Y.Doc();
	const updates: Uint8Array[] = [];
	document.on("update", (update: Uint8Array) => updates.push(update));
	document.getText("text").insert(0, "early");
	for (let page = 0; page < 10; page += 1) document.getText("text").insert(0, "x".repeat(20_000));
	for (const name of ["late", "never", "never-either"])
		for (const update of updates) raw.ws.send(updateFrame(name, update));
	await eventually("some to be thrown away", () => count("refused", "unauthenticated-bytes") > 20);
	raw.ws.send(authenticationFrame("late"));
	const reader = client("late");
	await eventually("what was kept", () => reader.text.toString().endsWith("early"));
	expect(reader.text.length).toBeLessThan(100_000);
	expect([...raw.closes, ...ann.closes]).toEqual([]);
	expect(node.connections).toBe(3);
});

test("[DUR7] [TRN5] somebody who types on in a document that was deleted keeps the socket for the others", async () => {
	const { url, node, count } = await startLimited({ messagesPerSecondMax: 0, documentsPerConnectionMax: 10 });
	const raw = await openRawSocket(url);
	for (const name of ["board", "other"]) raw.ws.send(authenticationFrame(name));
	await eventually("the documents to be open", () => node.hocuspocus.documents.size === 2);
	const document = new Y.Doc();
	document.on("update", (update: Uint8Array) => raw.ws.send(updateFrame("board", update)));
	document.getText("text").insert(0, "words");
	await eventually(
		"it to be stored",
		async () => (await node.durability.list({ limit: 1 })).documents.length === 1,
	);
	await node.durability.delete("board");
	for (let key = 0; key < 5_000; key += 1) document.getText("text").insert(0, "x");
	await eventually("it to be too much", () => count("refused", "unauthenticated-bytes") > 0);
	const other = new Y.Doc();
	other.on("update", (update: Uint8Array) => raw.ws.send(updateFrame("other", update)));
	other.getText("text").insert(0, "words");
	await eventually("the other one to be stored", async () =>
		(await node.durability.list({ limit: 9 })).documents.some(({ name }) => name === "other"),
	);
	expect(raw.closes).toEqual([]);
});

test("[TRN5] a message that is never complete costs an unauthenticated socket its time, and little memory", async () => {
	const { url, count } = await startLimited({ authTimeoutMs: 500 });
	const early = await openRawSocket(url);
	early.ws.send(new Uint8Array(10_000_000), { fin: false });
	await eventually("it to be held", () => count("slowed", "unauthenticated-bytes") === 1);
	await eventually("it to be closed", () => early.closes.length > 0);
	expect(early.closes).toEqual([{ code: 4408, reason: "authentication-timeout" }]);
});

test("[TRN5] an update counts by what it costs: whoever sends one after another that are made of many parts is slowed", async () => {
	const { url, client, count } = await startLimited({ messagesPerSecondMax: 10 });
	const other = await client("doc").synced();
	const author = new Y.Doc();
	author.transact(() => {
		for (let key = 0; key < 30_000; key += 1) author.getMap("map").set(`key ${key}`, key);
	});
	const noisy = await openRawSocket(url);
	noisy.ws.send(authenticationFrame("doc"));
	noisy.ws.send(updateFrame("doc", Y.encodeStateAsUpdate(author)));
	await eventually("it to be slowed", () => count("slowed", "connection-rate") === 1);
	await eventually("all of it to arrive", () => other.document.getMap("map").size === 30_000);
	await other.type("hello").saved();
	expect([...noisy.closes, ...other.closes]).toEqual([]);
});
