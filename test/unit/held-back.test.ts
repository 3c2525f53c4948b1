import { Document } from "@hocuspocus/server";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { takeHeldBack } from "../../extensions/durability/document-entry.ts";
import { newEntry } from "../support/document-entry.ts";
import { Random, testSeed } from "../support/random.ts";
import { Typist } from "../support/typist.ts";

/** What the log gets when updates that wait for others are applied, as one Yjs update each. */
function logged(updates: readonly Uint8Array[]): Uint8Array[] {
	const document = new Document("a");
	const entry = newEntry(document);
	try {
		return updates.flatMap((update) => {
			Y.applyUpdate(document, update);
			return takeHeldBack(entry);
		});
	} finally {
		document.destroy();
	}
}

function textOf(updates: readonly Uint8Array[]): string {
	const document = new Y.Doc();
	for (const update of updates) Y.applyUpdate(document, update);
	return document.getText("text").toString();
}

test("[DUR1] all updates that wait for a missing one are logged, not only the first", () => {
	const typist = new Typist();
	const missing = typist.type("0");
	const waiting = ["1", "2", "3"].map((text) => typist.type(text));
	expect(textOf([missing, ...logged(waiting)])).toBe("0123");
});

test("[DUR1] deletions that wait for a missing update are logged", () => {
	const typist = new Typist();
	const missing = typist.type("012");
	const waiting = [typist.erase(2, 1), typist.erase(0, 1)];
	expect(textOf([missing, ...logged(waiting)])).toBe("1");
});

test("[DUR1] what is held back is logged whole, whatever is missing and in which order the rest comes", () => {
	const random = new Random(testSeed("held back"));
	for (let round = 0; round < 100; round += 1) {
		const typists = [new Typist({ clientId: 1 }), new Typist({ clientId: 2 })];
		const updates: Uint8Array[] = [];
		for (let edits = 2 + random.below(12); edits > 0; edits -= 1) {
			const update = random.pick(typists).any(random);
			for (const { document } of typists) Y.applyUpdate(document, update);
			updates.push(update);
		}
		const [first = new Uint8Array(), ...others] = updates;
		const shuffled = others
			.map((update) => ({ update, at: random.next() }))
			.sort((a, b) => a.at - b.at)
			.map(({ update }) => update);
		const emitted: Uint8Array[] = [];
		const document = new Document("a");
		const entry = newEntry(document);
		document.on("update", (update: Uint8Array) => emitted.push(update));
		for (const update of shuffled) {
			Y.applyUpdate(document, update);
			emitted.push(...takeHeldBack(entry));
		}
		document.destroy();
		expect(textOf([...emitted, first]), `round ${round}`).toBe(typists[0]?.text);
	}
});

test("the log of a thousand waiting updates is not a thousand times as long", () => {
	const typist = new Typist();
	typist.type("missing");
	const waiting = Array.from({ length: 1_000 }, () => typist.type("x"));
	const bytesOf = (updates: readonly Uint8Array[]) =>
		updates.reduce((sum, { byteLength }) => sum + byteLength, 0);
	expect(bytesOf(logged(waiting))).toBeLessThan(2 * bytesOf(waiting));
});
