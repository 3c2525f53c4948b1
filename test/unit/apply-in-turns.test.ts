import { expect, test } from "vitest";
import * as Y from "yjs";
import { applyInTurns } from "../../extensions/durability/apply-in-turns.ts";
import { systemClock } from "../../extensions/durability/clock.ts";
import { conflicts } from "../support/conflicts.ts";

/** @returns How often it was left to others to go on. */
async function turnsFor(document: Y.Doc, updates: readonly Uint8Array[]): Promise<number> {
	let turns = 0;
	const clock = {
		...systemClock,
		after(_delayMs: number, run: () => void) {
			turns += 1;
			setImmediate(run);
			return () => {};
		},
	};
	const entries = [{ position: 1, updates }];
	await applyInTurns(document, { snapshot: undefined, entries, position: 1, logBytes: 0 }, clock);
	return turns;
}

test("[TRN5] a document in which forged conflicts are stored keeps nobody waiting while it is loaded", async () => {
	const document = new Y.Doc();
	expect(await turnsFor(document, [conflicts(2_500)])).toBeGreaterThan(0);
	expect(document.getText("conflicts").length).toBe(5_000);
	expect(document.store.pendingStructs).toBeNull();
});

test("[TRN5] so does one in which they were held back", async () => {
	const document = new Y.Doc();
	const whole = conflicts(2_500);
	const allButTheFirst = Y.diffUpdate(whole, Y.encodeStateVector(new Map([[1, 1]])));
	const first = new Y.Doc();
	Y.applyUpdate(first, conflicts(1));
	const own = Y.encodeStateAsUpdate(first);
	expect(await turnsFor(document, [allButTheFirst, own])).toBeGreaterThan(0);
	expect(document.getText("conflicts").length).toBe(5_000);
	expect(document.store.pendingStructs).toBeNull();
});

test("what people write is loaded at once", async () => {
	const author = new Y.Doc();
	for (let at = 0; at < 3_000; at += 1) author.getText("text").insert((at * 7_919) % (at + 1), "words ");
	const document = new Y.Doc();
	expect(await turnsFor(document, [Y.encodeStateAsUpdate(author)])).toBe(0);
	expect(document.getText("text").toString()).toBe(author.getText("text").toString());
});
