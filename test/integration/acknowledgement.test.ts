import { expect, test } from "vitest";
import * as Y from "yjs";
import { inspectIncoming } from "../../extensions/durability/wire.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** The text of a document as the store has it. */
async function storedText(data: string, name: string): Promise<string> {
	const { node, close } = await startLocalNode({ data });
	const connection = await node.openDirectConnection(name);
	const text = connection.document?.getText("text").toString() ?? "";
	await close();
	return text;
}

test("[DUR1] an edit is acknowledged once it is committed, and not before", async () => {
	const { store, client } = await startLocalNode();
	const author = await client("doc").synced();
	await author.saved();
	const release = store.hold();
	author.type("kept");
	await eventually("the append to arrive", () => store.appends > 0);
	// Anything the server would have said by now was sent before the answer to this question.
	await client("other").synced();
	expect(author.provider.unsyncedChanges).toBe(1);
	release();
	await author.saved();
});

test("[DUR1] the acknowledgement of an edit that adds nothing waits for what was received before it", async () => {
	const { store, client } = await startLocalNode();
	const author = await (await client("doc").synced()).saved();
	const release = store.hold();
	author.type("not on disk yet");
	const reader = await client("doc").synced();
	await eventually("the reader to have it", () => reader.text.toString() === "not on disk yet");
	// The reader sends back what it just received: nothing new, but not safe yet either.
	reader.provider.forceSync();
	await client("other").synced();
	expect(reader.provider.hasUnsyncedChanges).toBe(true);
	release();
	await reader.saved();
});

test("[DUR2] others see an edit while the store hangs", async () => {
	const { store, client } = await startLocalNode();
	const author = await (await client("doc").synced()).saved();
	const reader = await (await client("doc").synced()).saved();
	const release = store.hold();
	author.type("a").type("b").type("c");
	await eventually("the reader to see it", () => reader.text.toString() === "abc");
	expect(author.provider.unsyncedChanges).toBe(3);
	release();
	await author.saved();
});

/** A network that holds back a provider's `SyncStep1`, and what it sends after that. */
function holdingStep1(): { readonly webSocketClass: unknown; hasHeld(): boolean; release(): void } {
	const held: (() => void)[] = [];
	let isReleased = false;
	return {
		webSocketClass: class extends WebSocket {
			override send(frame: Uint8Array<ArrayBuffer>): void {
				const incoming = inspectIncoming(frame);
				const holds = held.length > 0 || incoming.type === "step1";
				if (holds && !isReleased) held.push(() => super.send(frame));
				else super.send(frame);
			}
		},
		hasHeld: () => held.length > 0,
		release() {
			isReleased = true;
			for (const send of held) send();
		},
	};
}

test("[DUR1] what a provider sends while it waits for its token, and forgets to count, is not acknowledged in place of a later edit", async () => {
	const { node, client, store } = await startLocalNode();
	const { webSocketClass, hasHeld, release } = holdingStep1();
	const token = Promise.withResolvers<string>();
	const author = client("doc", { token: () => token.promise, webSocketClass });
	await eventually("the socket to be open", () => author.socket.status === "connected");
	author.type("early");
	token.resolve("a token");
	await eventually("it to begin to count", hasHeld);
	await eventually("the edit to be stored", () => store.committed.some((names) => names.includes("doc")));
	author.type(" and late");
	await node.durability.flush();
	// What the server had to say by now is here before the answer to this question.
	await (await client("other").synced()).saved();
	expect(author.provider.unsyncedChanges).toBe(2);
	release();
	await author.saved();
	expect(node.hocuspocus.documents.get("doc")?.getText("text").toString()).toBe("early and late");
});

test("[DUR1] a batch that a provider began before it came back, and sends after that, is not acknowledged in place of a later one", async () => {
	const { client } = await startLocalNode();
	const author = await (await client("doc", { flushDelayMs: 300 }).synced()).saved();
	const { provider, socket } = author;
	socket.disconnect();
	await eventually("it to be away", () => socket.status === "disconnected");
	author.type("begun");
	const events: string[] = [];
	provider.on("outgoingMessage", ({ message }: { message: { description: string } }) => {
		if (message.description === "A document update") events.push("sent");
	});
	await socket.connect();
	// With its SyncStep2, which has all of it.
	await author.saved();
	await eventually("the batch to be sent", () => events.length > 0);
	provider.on("unsyncedChanges", ({ number }: { number: number }) => {
		if (number === 0) events.push("saved");
	});
	author.type(" and later");
	await author.saved();
	expect(events).toEqual(["sent", "sent", "saved"]);
});

test("[DUR1] an update that waits for another one is logged before it is acknowledged", async () => {
	const data = temporaryFolder();
	const { client, close } = await startLocalNode({ data });
	const elsewhere = new Y.Doc();
	const updates: Uint8Array[] = [];
	elsewhere.on("update", (update: Uint8Array) => updates.push(update));
	elsewhere.getText("text").insert(0, "first ");
	elsewhere.getText("text").insert(6, "second");
	elsewhere.getText("text").delete(0, 1);
	const [first, second, deletion] = updates as [Uint8Array, Uint8Array, Uint8Array];

	const author = await (await client("doc").synced()).saved();
	// The provider passes on what its document takes, held back or not.
	Y.applyUpdate(author.document, second);
	author.provider.forceSync();
	await author.saved();
	Y.applyUpdate(author.document, deletion);
	author.provider.forceSync();
	await author.saved();
	author.destroy();
	await close();

	const { node } = await startLocalNode({ data });
	const connection = await node.openDirectConnection("doc");
	await connection.transact((document) => Y.applyUpdate(document, first));
	expect(connection.document?.getText("text").toString()).toBe("irst second");
});

test("[DUR3] while the store fails people go on, nothing is acknowledged, and it all arrives when it is back", async () => {
	const data = temporaryFolder();
	const { node, store, client, close } = await startLocalNode({ data });
	const ann = await (await client("doc").synced()).saved();
	const ben = await (await client("doc").synced()).saved();
	store.fail("no space left (SQLITE_FULL)");
	ann.type("one ");
	await eventually("Ben to see it", () => ben.text.toString() === "one ");
	ben.type("two ");
	await eventually("Ann to see it", () => ann.text.toString() === "one two ");
	await eventually("several attempts", () => store.appends >= 3);
	expect(ann.provider.hasUnsyncedChanges).toBe(true);
	expect(ben.provider.hasUnsyncedChanges).toBe(true);
	expect(node.readiness()).toEqual({
		ready: false,
		reasons: ["the store can't be written: no space left (SQLITE_FULL)"],
	});
	store.recover();
	await ann.saved();
	await ben.saved();
	expect(node.readiness()).toEqual({ ready: true, reasons: [] });
	await close();
	expect(await storedText(data, "doc")).toBe("one two ");
});

test("[DUR3] one document that can't be written does not hold up the others, or send anybody away; /readyz counts it and does not name it", async () => {
	const errors: object[] = [];
	const logger = { debug() {}, info() {}, warn() {}, error: (fields: object) => errors.push(fields) };
	const { node, store, client, port } = await startLocalNode({ logger });
	const bad = await (await client("bad").synced()).saved();
	const good = await (await client("good").synced()).saved();
	store.failDocuments("bad");
	bad.type("stuck");
	await eventually("its failure", () => node.readiness().degraded !== undefined);
	await good.type("free").saved();
	expect(bad.provider.hasUnsyncedChanges).toBe(true);
	const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
	expect(answer.status).toBe(200);
	expect(await answer.json()).toEqual({
		ready: true,
		reasons: [],
		degraded: ["1 document can't be written; the log names it"],
	});
	expect(errors).toContainEqual(expect.objectContaining({ documentName: "bad" }));
	await client("new").synced();
	store.recover();
	await bad.saved();
	expect(node.readiness()).toEqual({ ready: true, reasons: [] });
});

test("[DUR3] past the bound writers are closed with 1013 and new ones refused, and all is taken when the store is back", async () => {
	const { node, store, client, url } = await startLocalNode({ backlogBytesMax: 20_000 });
	const writer = await (await client("doc").synced()).saved();
	const reader = await (await client("doc").synced()).saved();
	store.fail();
	for (let paragraph = 0; paragraph < 29; paragraph += 1) writer.type("x".repeat(1_000));
	// All of it may have come in one read from the socket, before any of it was counted.
	await eventually("the backlog to be full", () => !node.durability.accepting);
	writer.type("x".repeat(1_000));
	await eventually("the writer to be closed", () => writer.closes.some(({ code }) => code === 1013));
	expect(writer.closes[0]).toEqual({ code: 1013, reason: "store-unavailable" });
	expect(reader.closes).toEqual([]);
	expect(node.readiness().reasons.join()).toContain("the write backlog is full");
	const refused = await fetch(url.replace("ws:", "http:"), {
		headers: {
			connection: "upgrade",
			upgrade: "websocket",
			"sec-websocket-version": "13",
			"sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
		},
	}).catch(() => undefined);
	// `fetch` may refuse to ask for an upgrade; the writer's attempts to return were turned away in any case.
	if (refused !== undefined) expect(refused.status).toBe(503);
	expect(writer.provider.hasUnsyncedChanges).toBe(true);
	store.recover();
	await writer.saved();
	await eventually("the reader to have everything", () => reader.text.length === 30_000);
});

test("[DUR6] a document stays in memory until all of it is durable", async () => {
	const { node, store, client } = await startLocalNode({ lingerMs: 0 });
	const author = await (await client("doc").synced()).saved();
	const release = store.hold();
	author.type("last words");
	await eventually("the node to have it", () => node.durability.stats().backlogUpdates > 0);
	author.destroy();
	await eventually("the author to be gone", () => node.hocuspocus.getConnectionsCount() === 0);
	expect(node.hocuspocus.documents.has("doc")).toBe(true);
	const successor = await client("doc").synced();
	expect(successor.text.toString()).toBe("last words");
	successor.destroy();
	release();
	await eventually("the document to leave", () => !node.hocuspocus.documents.has("doc"));
	const again = await client("doc").synced();
	expect(again.text.toString()).toBe("last words");
});

test("[DUR1] awaiting a direct connection's transaction means that it is on disk", async () => {
	const { node, store } = await startLocalNode();
	const connection = await node.openDirectConnection("doc");
	const release = store.hold();
	let done = false;
	const transaction = connection
		.transact((document) => document.getText("text").insert(0, "from the server"))
		.then(() => (done = true));
	await eventually("the append to arrive", () => store.appends > 0);
	expect(done).toBe(false);
	release();
	await transaction;
	expect(store.committed.flat()).toContain("doc");
	await connection.disconnect();
	expect(node.hocuspocus.documents.has("doc")).toBe(false);
});

test("[DUR1] leaving a direct connection fails when what was written there is not on disk", async () => {
	const { node, store, close } = await startLocalNode({ shutdownDeadlineMs: 100 });
	const connection = await node.openDirectConnection("doc");
	store.fail();
	connection.document?.getText("text").insert(0, "lost");
	const leaving = expect(connection.disconnect()).rejects.toThrow("before the edit was durable");
	await eventually("the append to fail", () => store.appends > 0);
	await close();
	await leaving;
});

test("[DUR1] what an onLoadDocument hook adds is durable before anybody sees it", async () => {
	const data = temporaryFolder();
	const { client, store, close } = await startLocalNode({
		data,
		async onLoadDocument({ document }) {
			if (document.isEmpty("text")) document.getText("text").insert(0, "from the hook");
		},
	});
	const reader = await client("doc").synced();
	expect(reader.text.toString()).toBe("from the hook");
	expect(store.committed.flat()).toEqual(["doc"]);
	await close();
	expect(await storedText(data, "doc")).toBe("from the hook");
});
