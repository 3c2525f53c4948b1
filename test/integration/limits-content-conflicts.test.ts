import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import * as Y from "yjs";
import type { Client } from "../support/client.ts";
import { conflicts } from "../support/conflicts.ts";
import { eventually } from "../support/eventually.ts";
import { collectedStructs, sendUpdate } from "../support/forged-updates.ts";
import { limitedNode } from "../support/limited-node.ts";
import { messageFrame } from "../support/wire-frames.ts";

test("[TRN5] an update that would keep the event loop for minutes is stopped and refused; nobody is sent away, and the others go on", async () => {
	const node = await limitedNode({ documentConflictsMax: 200_000 });
	const [attacker, other, elsewhere] = [node.client("doc"), node.client("doc"), node.client("elsewhere")];
	await Promise.all([attacker.synced(), other.type("before ").saved(), elsewhere.type("a").saved()]);
	sendUpdate(attacker, conflicts(30_000));
	await eventually("it to be refused", () => node.count("refused", "document-conflicts") > 0);
	await other.type("after").saved();
	await eventually("the other's edits to arrive", () => attacker.text.toString() === "before after");
	await elsewhere.type("b").saved();
	for (const { closes } of [attacker, other, elsewhere]) expect(closes).toEqual([]);
	const late = await node.client("doc").synced();
	const [one, two] = [late, other].map(({ document }) => document.getText("conflicts"));
	await eventually("the same of what was forged", () => one?.toString() === two?.toString());
});

test("[TRN5] another connection gives nobody more", async () => {
	const node = await limitedNode({ documentConflictsMax: 100_000 });
	const other = await node.client("doc").synced();
	const bringers: Client[] = [];
	for (const first of [1, 3]) {
		const document = new Y.Doc();
		Y.applyUpdate(document, conflicts(2_000, first));
		bringers.push(node.client("doc", { document }));
		await eventually(
			"it to be refused",
			() => node.count("refused", "document-conflicts") >= bringers.length,
		);
	}
	await other.type("goes on").saved();
	await eventually("the bringers to see it", () =>
		bringers.every(({ text }) => text.toString() === "goes on"),
	);
	expect(other.document.getText("conflicts").length).toBeLessThan(4_500);
	expect(bringers.at(-1)?.provider.hasUnsyncedChanges).toBe(true);
});

test("[DUR1] what was refused, and what its author has written after it, comes in by itself when there is room", async () => {
	const node = await limitedNode({ documentConflictsMax: 200_000 });
	const document = new Y.Doc();
	Y.applyUpdate(document, conflicts(680));
	const bringer = node.client("doc", { document });
	await eventually("it to be refused", () => node.count("refused", "document-conflicts") > 0);
	expect(bringer.provider.hasUnsyncedChanges).toBe(true);
	await bringer.type("and more").saved();
	const other = await node.client("doc").synced();
	expect(other.text.toString()).toBe("and more");
	expect(other.document.getText("conflicts").length).toBe(1_360);
	expect(bringer.closes).toEqual([]);
});

test("[TRN5] updates count by the time that they take: whoever keeps the event loop busy is read more slowly, and nobody else", async () => {
	const node = await limitedNode({ messagesPerSecondMax: 100 });
	const [attacker, other] = [node.client("doc"), node.client("elsewhere")];
	await Promise.all([attacker.synced(), other.type("a").saved()]);
	for (let first = 1; first < 60 && node.count("slowed", "connection-rate") === 0; first += 2) {
		sendUpdate(attacker, conflicts(2_000, first));
		// It came before this.
		await other.type("b").saved();
	}
	await eventually("it to be slowed", () => node.count("slowed", "connection-rate") > 0);
	await other.type("c").saved();
	expect(other.closes).toEqual([]);
});

test("[TRN5] what costs much counts for all connections that somebody makes, one after the other", async () => {
	const node = await limitedNode({ messagesPerSecondMax: 100 });
	const other = await node.client("elsewhere").synced();
	for (let client = 1; client < 60 && node.count("slowed", "costly-edits") === 0; client += 1) {
		const attacker = await node.client("doc").synced();
		sendUpdate(attacker, collectedStructs([{ client, clock: 0, length: 60_000 }]));
		await attacker.type("x").saved();
		attacker.destroy();
	}
	expect(node.count("slowed", "costly-edits")).toBe(1);
	await other.type("goes on").saved();
});

test("[TRN5] state vectors of those that nobody knows count by what it takes to look them up", async () => {
	const node = await limitedNode({ messagesPerSecondMax: 100 });
	const [attacker, other] = [node.client("doc"), node.client("elsewhere")];
	await Promise.all([attacker.synced(), other.type("a").saved()]);
	const clients = Array.from({ length: 50_000 }, (_, client) => [client + 2 ** 20, 1] as const);
	const frame = messageFrame("doc", (encoder) => {
		for (const type of [0, 0]) encoding.writeVarUint(encoder, type);
		encoding.writeVarUint8Array(encoder, Y.encodeStateVector(new Map(clients)));
	});
	for (let left = 10; left > 0; left -= 1) attacker.socket.webSocket?.send(frame);
	await eventually("it to be slowed", () => node.count("slowed", "connection-rate") > 0);
	await other.type("b").saved();
	expect(attacker.closes).toEqual([]);
});
