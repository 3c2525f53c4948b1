import { expect, test } from "vitest";
import * as Y from "yjs";
import { bringsNothing } from "../../extensions/sync/brings-nothing.ts";
import { type Random, Random as RandomNumbers, testSeed } from "../support/random.ts";
import { Typist } from "../support/typist.ts";

/** Whether applying an update makes Yjs tell of a change, or hold something back. */
function changesSomething(document: Y.Doc, update: Uint8Array): boolean {
	const copy = new Y.Doc({ gc: document.gc });
	Y.applyUpdate(copy, Y.encodeStateAsUpdate(document));
	let isChanged = false;
	copy.on("update", () => {
		isChanged = true;
	});
	const heldBack = () => JSON.stringify([copy.store.pendingStructs?.update, copy.store.pendingDs]);
	const before = heldBack();
	Y.applyUpdate(copy, update);
	return isChanged || heldBack() !== before;
}

/** What a client that comes back may send: some of what it knows, seen from a state that may be older or newer. */
function anyUpdate(random: Random, ours: Y.Doc, theirs: Y.Doc): Uint8Array {
	const stateVector = Y.encodeStateVector(random.chance(0.7) ? ours : theirs);
	return Y.encodeStateAsUpdate(theirs, stateVector);
}

test("[DUR1] what is said to bring nothing brings nothing, and what a client that has nothing new sends is seen to", () => {
	const random = new RandomNumbers(testSeed("brings-nothing"));
	let nothing = 0;
	for (let round = 0; round < 1_500; round += 1) {
		const gc = random.chance(0.7);
		const [here, there] = [new Typist({ gc }), new Typist({ gc })];
		for (let edit = 0; edit < 12; edit += 1) {
			const update = random.pick([here, there]).any(random);
			if (random.chance(0.6)) for (const typist of [here, there]) Y.applyUpdate(typist.document, update);
		}
		if (random.chance(0.5)) Y.applyUpdate(here.document, Y.encodeStateAsUpdate(there.document));
		const update = anyUpdate(random, here.document, there.document);
		const isNothing = bringsNothing(here.document, update);
		if (isNothing) nothing += 1;
		if (isNothing) expect(changesSomething(here.document, update)).toBe(false);
		const isKnown = update[0] === 0 && !changesSomething(here.document, update);
		if (isKnown && here.document.store.pendingDs === null) expect(isNothing).toBe(true);
	}
	expect(nothing).toBeGreaterThan(300);
});

test("an empty update brings nothing, a deletion of what is there, or of what is unknown, does", () => {
	const typist = new Typist({ clientId: 1 });
	const inserted = typist.type("abc");
	const other = new Y.Doc();
	Y.applyUpdate(other, inserted);
	const erased = typist.erase(1, 1);
	expect(bringsNothing(other, new Uint8Array([0, 0]))).toBe(true);
	expect(bringsNothing(other, erased)).toBe(false);
	expect(bringsNothing(new Y.Doc(), erased)).toBe(false);
	Y.applyUpdate(other, erased);
	expect(bringsNothing(other, erased)).toBe(true);
	expect(bringsNothing(other, inserted)).toBe(false);
});
