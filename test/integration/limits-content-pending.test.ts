import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { collectedStructs, sendUpdate, strangeDeletions } from "../support/forged-updates.ts";
import { type LimitedNode, limitedNode } from "../support/limited-node.ts";

const KiB = 1024;

function documentOf({ node }: LimitedNode): Y.Doc {
	const document = node.hocuspocus.documents.get("doc");
	if (document === undefined) throw new Error("nobody has the document open");
	return document;
}

function heldBackBytes(node: LimitedNode): number {
	const { pendingStructs, pendingDs } = documentOf(node).store;
	return (pendingStructs?.update.byteLength ?? 0) + (pendingDs?.byteLength ?? 0);
}

/** What is sent meanwhile does not get to the server. */
function loseOne({ socket }: Client, run: () => void): void {
	const { webSocket } = socket;
	if (webSocket === null) throw new Error("the socket is not open");
	const send = webSocket.send.bind(webSocket);
	webSocket.send = () => {};
	run();
	webSocket.send = send;
}

/** An update of one client with a gap before it. */
function withGap(client: number): Uint8Array {
	const author = new Y.Doc();
	author.clientID = client;
	author.getText("text").insert(0, "lost");
	const known = Y.encodeStateVector(author);
	author.getText("text").insert(4, "x".repeat(100));
	return Y.encodeStateAsUpdate(author, known);
}

describe("[TRN5] what builds on updates that never come", () => {
	it("is held back up to a bound, then refused, and whoever goes on is closed; the others notice nothing", async () => {
		const node = await limitedNode({ pendingBytesMax: 16 * KiB });
		const [flooder, other] = [node.client("doc"), node.client("doc")];
		await Promise.all([flooder.synced(), other.type("before ").saved()]);
		let sent = 0;
		while (flooder.closes.length === 0) {
			for (let count = 0; count < 20; count += 1) sendUpdate(flooder, withGap(1_000 + sent++));
			other.type(".");
			await other.saved();
		}
		expect(flooder.closes[0]).toEqual({ code: 4413, reason: "pending-too-big" });
		expect(node.count("closed", "pending-structs")).toBe(1);
		expect(heldBackBytes(node)).toBeLessThan(16 * KiB);
		await eventually("the flooder to be back", () => flooder.text.toString() === other.text.toString());
		expect(other.closes).toEqual([]);
		expect(documentOf(node).getText("text").toString()).toBe(other.text.toString());
	});

	it("is bounded for deletions, too, which cost every edit something", async () => {
		const node = await limitedNode({ pendingBytesMax: 16 * KiB });
		const [flooder, other] = [node.client("doc"), node.client("doc")];
		await Promise.all([flooder.synced(), other.synced()]);
		sendUpdate(flooder, strangeDeletions(77, 10_000));
		await eventually("a refusal", () => node.count("refused", "pending-structs") === 1);
		expect(documentOf(node).store.pendingDs).toBeNull();
		// What comes in one turn with the first one is not looked at as closely.
		sendUpdate(flooder, strangeDeletions(100, 20));
		await eventually("it to be held back", () => documentOf(node).store.pendingDs !== null);
		for (let client = 1; client < 40; client += 1) sendUpdate(flooder, strangeDeletions(100 + client, 20));
		await eventually("refusals", () => node.count("refused", "pending-structs") > 20);
		await other.type("a").saved();
		expect(documentOf(node).store.pendingDs?.byteLength).toBeLessThan(KiB);
	});

	it("counts by what it costs rather than by its bytes: structs that Yjs stores in next to none are refused, and so are thousands of authors", async () => {
		const node = await limitedNode({});
		const [flooder, other] = [node.client("doc"), node.client("doc")];
		await Promise.all([flooder.synced(), other.synced()]);
		sendUpdate(flooder, collectedStructs([{ client: 5, clock: 1, length: 100_000 }]));
		await eventually("a refusal", () => node.count("refused", "pending-structs") === 1);
		const strangers = Array.from({ length: 20_000 }, (_, index) => ({
			client: 1_000 + index,
			clock: 1,
			length: 1,
		}));
		sendUpdate(flooder, collectedStructs(strangers));
		await eventually("another refusal", () => node.count("refused", "pending-structs") === 2);
		await other.type("a").saved();
		expect(documentOf(node).store.pendingStructs).toBeNull();
	});

	it("comes in when what was missing comes, and then there is room again", async () => {
		const node = await limitedNode({ pendingBytesMax: 4 * KiB });
		const [sender, other] = [node.client("doc"), node.client("doc")];
		await Promise.all([sender.synced(), other.synced()]);
		const author = new Y.Doc();
		const updates: Uint8Array[] = [];
		author.on("update", (update: Uint8Array) => updates.push(update));
		for (let count = 0; count < 30; count += 1) author.getText("text").insert(0, "twenty characters...");
		const [first, ...rest] = updates;
		for (const update of rest) sendUpdate(sender, update);
		await eventually("some to be held back", () => documentOf(node).store.pendingStructs !== null);
		expect(other.text.length).toBe(0);
		if (first !== undefined) sendUpdate(sender, first);
		await eventually("what fits", () => other.text.length >= 20 * 10);
		await eventually("nothing to be held back", () => documentOf(node).store.pendingStructs === null);
		const refused = node.count("refused", "pending-structs");
		for (const update of rest) sendUpdate(sender, update);
		await eventually("all", () => other.text.length === 20 * 30);
		expect(node.count("refused", "pending-structs")).toBe(refused);
		expect(sender.closes).toEqual([]);
	});

	it("harms nobody who was given it on joining, and gives it back: they write on, also what they wrote offline", async () => {
		const node = await limitedNode({ pendingBytesMax: 4 * KiB });
		const [flooder, early, late] = [node.client("doc"), node.client("doc"), node.client("doc")];
		await Promise.all([flooder.synced(), early.type("a").saved(), late.synced()]);
		for (let count = 0; count < 60; count += 1) sendUpdate(flooder, withGap(2_000 + count));
		flooder.document.getText("marker").insert(0, "sent last");
		await eventually("all of it to be there", () => early.document.getText("marker").length > 0);
		const refused = node.count("refused", "pending-structs");
		expect(refused).toBeGreaterThan(20);
		expect(refused).toBeLessThan(50);
		// As a document that is sent as it is stored brings it.
		for (let count = 0; count < 10; count += 1) Y.applyUpdate(late.document, withGap(2_000 + count));
		for (const text of ["b", "c", "d"]) {
			const closes = late.closes.length;
			late.socket.disconnect();
			late.type(text);
			await eventually("to be offline", () => late.closes.length > closes);
			await late.socket.connect();
			await late.saved();
		}
		await eventually("all of it", () => early.text.length === 4);
		expect(node.count("refused", "pending-structs")).toBe(refused);
		expect([...early.closes, ...flooder.closes]).toEqual([]);
	});

	it("heals by itself for a provider whose edits have a gap: it is asked for all that is missing", async () => {
		const node = await limitedNode({ pendingBytesMax: 2 * KiB });
		const [sender, other] = [node.client("doc"), node.client("doc")];
		await Promise.all([sender.synced(), other.synced()]);
		loseOne(sender, () => sender.type("lost "));
		for (let count = 0; count < 40; count += 1) sender.type("and then more text ");
		await eventually("all of it", () => other.text.toString() === sender.text.toString());
		expect(other.text.toString().startsWith("lost and then")).toBe(true);
		expect(node.count("refused", "pending-structs")).toBeGreaterThan(0);
		expect(sender.closes).toEqual([]);
		expect(documentOf(node).store.pendingStructs).toBeNull();
	});
});

describe("[TRN5] names of root types", () => {
	it("are bounded: what adds more is refused, what uses those that are there is not", async () => {
		const node = await limitedNode({ documentRootsMax: 20 });
		const [sender, other] = [node.client("doc"), node.client("doc")];
		await Promise.all([sender.synced(), other.type("a").saved()]);
		for (let root = 0; root < 30; root += 1) {
			const author = new Y.Doc();
			author.getText(`root ${root}`).insert(0, "x");
			sendUpdate(sender, Y.encodeStateAsUpdate(author));
		}
		await eventually("refusals", () => node.count("refused", "document-roots") === 11);
		await other.type("b").saved();
		expect(documentOf(node).share.size).toBe(20);
		const author = new Y.Doc();
		author.getText("root 0").insert(0, "x");
		sendUpdate(sender, Y.encodeStateAsUpdate(author));
		await eventually("to be taken", () => other.document.getText("root 0").length === 2);
		expect([...sender.closes, ...other.closes]).toEqual([]);
	});
});
