import { expect, test } from "vitest";
import * as Y from "yjs";
import { makesTypes, Nesting } from "../../extensions/durability/nesting.ts";
import { content, rawUpdate } from "../support/fuzz/raw-update.ts";

function structsOf(update: Uint8Array) {
	return Y.decodeUpdate(update).structs;
}

/** One type in another, from some level on. */
function chain(from: number, levels: number): Uint8Array {
	const structs = Array.from({ length: levels }, (_, at) => ({
		content: content.type(0),
		parent: from + at === 0 ? "root" : { client: 1, clock: from + at - 1 },
	}));
	return rawUpdate([{ client: 1, clock: from, structs }]);
}

test("[TRN5] types may be nested 200 deep, and no deeper, in one update or in many", () => {
	const document = new Y.Doc();
	const nesting = new Nesting(document);
	expect(nesting.admits(structsOf(chain(0, 201)))).toBe(false);
	for (const from of [0, 50, 100, 150]) {
		const update = chain(from, 50);
		expect(nesting.admits(structsOf(update))).toBe(true);
		Y.applyUpdate(document, update);
	}
	expect(nesting.admits(structsOf(chain(200, 1)))).toBe(false);
	const beside = rawUpdate([
		{ client: 2, clock: 0, structs: [{ content: content.type(0), origin: { client: 1, clock: 199 } }] },
		{ client: 3, clock: 0, structs: [{ content: content.type(0), parent: { client: 2, clock: 0 } }] },
	]);
	expect(nesting.admits(structsOf(beside))).toBe(false);
});

test("[TRN5] what is held back may be 100 deep, and whoever gets deeper with it does so once", () => {
	const document = new Y.Doc();
	const nesting = new Nesting(document);
	Y.applyUpdate(document, chain(0, 150));
	expect(nesting.admits(structsOf(chain(151, 101)))).toBe(false);
	expect(nesting.admits(structsOf(chain(151, 100)))).toBe(true);
	Y.applyUpdate(document, chain(151, 100));
	expect(document.store.pendingStructs).not.toBeNull();
	expect(nesting.admits(structsOf(chain(150, 1)))).toBe(true);
	Y.applyUpdate(document, chain(150, 1));
	expect(document.store.pendingStructs).toBeNull();
	expect(nesting.admits(structsOf(chain(252, 2)))).toBe(false);
});

test("[TRN5] what waits for itself, has a thousand neighbours, or is where nothing is, has a level", () => {
	const nesting = new Nesting(new Y.Doc());
	const circle = rawUpdate([
		{ client: 2, clock: 0, structs: [{ content: content.type(0), parent: { client: 1, clock: 0 } }] },
		{ client: 1, clock: 0, structs: [{ content: content.type(0), parent: { client: 2, clock: 0 } }] },
	]);
	expect(nesting.admits(structsOf(circle))).toBe(true);
	const wide = new Y.Doc();
	const list = wide.getArray<Y.Map<unknown>>("list");
	for (let at = 0; at < 1_000; at += 1) list.insert(0, [new Y.Map()]);
	expect(nesting.admits(structsOf(Y.encodeStateAsUpdate(wide)))).toBe(true);
	const inText = rawUpdate([
		{
			client: 1,
			clock: 0,
			structs: [
				{ content: content.string("text") },
				{ content: content.type(0), parent: { client: 1, clock: 2 } },
			],
		},
	]);
	expect(nesting.admits(structsOf(inText))).toBe(true);
});

test("text makes no types", () => {
	const document = new Y.Doc();
	document.getText("text").insert(0, "plain");
	expect(makesTypes(structsOf(Y.encodeStateAsUpdate(document)))).toBe(false);
	document.getMap("map").set("key", new Y.Text());
	expect(makesTypes(structsOf(Y.encodeStateAsUpdate(document)))).toBe(true);
});
