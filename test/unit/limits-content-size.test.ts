import { type Connection, Document } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { ConflictEfforts } from "../../extensions/limits/content/conflict-effort.ts";
import { defaultContentLimits } from "../../extensions/limits/content/content-defaults.ts";
import { Costs } from "../../extensions/limits/content/costs.ts";
import { DocumentSize } from "../../extensions/limits/content/document-size.ts";
import { grows } from "../../extensions/limits/content/growth.ts";
import { Strikes } from "../../extensions/limits/content/strikes.ts";
import { defaultLimits } from "../../extensions/limits/defaults.ts";
import { LimitReports } from "../../extensions/limits/index.ts";
import { SingleRefusals } from "../../extensions/sync/single-refusals.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** A document whose size is watched, and a client that adds to it what it may. */
function sized(documentBytesMax: number) {
	const document = new Document("doc");
	onTestFinished(() => document.destroy());
	const clock = new ManualClock();
	const context = {
		limits: { ...defaultContentLimits, documentBytesMax },
		storedBytes: () => undefined,
		clock,
		reports: new LimitReports(),
		refusals: new SingleRefusals(),
		costs: new Costs({
			...defaultLimits,
			addressOf: () => undefined,
			reports: new LimitReports(),
			now: () => 0,
		}),
		efforts: new ConflictEfforts(0, () => 0),
		pendingStrikes: new Strikes(1),
		presenceStrikes: new Strikes(1),
	};
	const asked: Connection[] = [];
	const size = new DocumentSize(
		document,
		context,
		() => {},
		(connection) => asked.push(connection),
	);
	const charged: number[] = [];
	const webSocket = { charge: (messages: number) => charged.push(messages) };
	const connection = { onClose() {}, webSocket, document } as unknown as Connection;
	const write = (length: number) => {
		const author = new Y.Doc();
		Y.applyUpdate(author, Y.encodeStateAsUpdate(document));
		const before = Y.encodeStateVector(author);
		author.getText("text").insert(0, "x".repeat(length));
		const update = Y.encodeStateAsUpdate(author, before);
		const isTaken = size.takes(update.byteLength) || size.admits(connection, update);
		if (isTaken) Y.applyUpdate(document, update);
		return isTaken;
	};
	return { document, clock, asked, charged, write };
}

test("a document grows to its limit, to a sixteenth, and no further", () => {
	const { document, write } = sized(16_000);
	let written = 0;
	while (write(500)) written += 500;
	expect(written).toBeGreaterThan(14_000);
	expect(Y.encodeStateAsUpdate(document).byteLength).toBeLessThan(17_000);
	expect(write(1)).toBe(false);
});

test("who was refused is asked when there is room, also when that was made before", async () => {
	const { document, clock, asked, write } = sized(16_000);
	while (write(500));
	await clock.pass(10_000);
	expect(asked).toHaveLength(0);
	document.getText("text").delete(0, 8_000);
	await clock.pass(10_000);
	expect(asked).toHaveLength(1);
	expect(write(500)).toBe(true);
});

test("[TRN5] whoever has a large document looked at again and again pays for it", () => {
	const { clock, charged, write } = sized(16_000);
	expect(write(8_000)).toBe(true);
	expect(charged).toEqual([]);
	let nowMs = 0;
	clock.now = () => (nowMs += 100);
	for (let attempt = 0; attempt < 3; attempt += 1) expect(write(12_000)).toBe(false);
	expect(charged).toEqual([200, 200, 200]);
});

test("a large update that does not fit is refused without the document being full for others", () => {
	const { write } = sized(16_000);
	expect(write(8_000)).toBe(true);
	expect(write(12_000)).toBe(false);
	expect(write(500)).toBe(true);
});

test("what a document has already, and what only deletes, makes it no larger; nor what replaces more", () => {
	const document = new Y.Doc();
	const text = document.getText("text");
	text.insert(0, "x".repeat(1_000));
	const state = Y.encodeStateAsUpdate(document);
	expect(grows(document, state)).toBe(false);
	const author = new Y.Doc();
	Y.applyUpdate(author, state);
	const edit = (run: (theirs: Y.Text) => void) => {
		const before = Y.encodeStateVector(author);
		author.transact(() => run(author.getText("text")));
		return Y.encodeStateAsUpdate(author, before);
	};
	expect(
		grows(
			document,
			edit((theirs) => theirs.delete(0, 100)),
		),
	).toBe(false);
	const replaced = edit((theirs) => {
		theirs.delete(0, 300);
		theirs.insert(0, "short");
	});
	expect(grows(document, replaced)).toBe(false);
	// The same again is worth nothing.
	Y.applyUpdate(document, replaced);
	expect(
		grows(
			document,
			edit((theirs) => theirs.insert(0, "y".repeat(200))),
		),
	).toBe(true);
});

test("[TRN5] what is said to be deleted counts once, however often it is said", () => {
	const document = new Y.Doc();
	document.getText("text").insert(0, "x".repeat(100));
	const author = new Y.Doc();
	author.getText("text").insert(0, "y".repeat(500));
	const { clientID } = document;
	// Yjs' own encoder would put the ranges together.
	const structs = Y.encodeStateAsUpdate(author).slice(0, -1);
	const ranges = Array.from({ length: 50 }, () => [0, 100]).flat();
	const idBytes: number[] = [];
	for (let rest = clientID; rest > 0 || idBytes.length === 0; rest = Math.floor(rest / 128))
		idBytes.push((rest % 128) | (rest > 127 ? 128 : 0));
	const forged = new Uint8Array([...structs, 1, ...idBytes, 50, ...ranges]);
	expect(Y.decodeUpdate(forged).ds.clients.get(clientID)).toHaveLength(50);
	expect(grows(document, forged)).toBe(true);
});
