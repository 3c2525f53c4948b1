import { expect, test } from "vitest";
import * as Y from "yjs";
import { hasArrived, readUpdate, updateEnds } from "../../extensions/durability/update-ends.ts";

function written(clientId: number, ...words: readonly string[]): { document: Y.Doc; updates: Uint8Array[] } {
	const document = new Y.Doc();
	document.clientID = clientId;
	const updates: Uint8Array[] = [];
	document.on("update", (update: Uint8Array) => updates.push(update));
	for (const word of words) document.getText("text").insert(0, word);
	return { document, updates };
}

test("an update ends where its last struct does, for each client", () => {
	const { document } = written(1, "abc", "de");
	Y.applyUpdate(document, written(2, "f").updates[0] as Uint8Array);
	expect(updateEnds(Y.encodeStateAsUpdate(document))).toEqual(
		new Map([
			[2, 1],
			[1, 5],
		]),
	);
});

test("a gap in a merged update is not counted as something that it holds", () => {
	const { updates } = written(1, "a", "b", "c");
	const [first, , third] = updates as [Uint8Array, Uint8Array, Uint8Array];
	expect(updateEnds(Y.mergeUpdates([first, third]))).toEqual(new Map([[1, 3]]));
});

test("[DUR1] an update that was not applied is told from one that was, and from one that waits for others", () => {
	const { document, updates } = written(1, "a", "b");
	const [first, second] = updates as [Uint8Array, Uint8Array];
	expect(hasArrived(document, updateEnds(second))).toBe(true);
	const receiver = new Y.Doc();
	expect(hasArrived(receiver, updateEnds(first))).toBe(false);
	Y.applyUpdate(receiver, second);
	expect(hasArrived(receiver, updateEnds(second))).toBe(true);
	Y.applyUpdate(receiver, first);
	expect(hasArrived(receiver, updateEnds(second))).toBe(true);
});

test("[TRN5] what can't be read is refused before Yjs makes room for it", () => {
	for (const bytes of [[], [1], [1, 2, 3, 4, 5], [1, 255, 255, 255, 255, 15, 1, 0]]) {
		expect(() => updateEnds(Uint8Array.from(bytes))).toThrow();
	}
});

test.each([
	"01020200a701000220000200027a7a0101010001",
	"0102410041010401c101060107000102010002",
	"010202004101040000010102010002",
])(
	"[TRN5] [DUR1] what holds an empty struct is refused: Yjs would never tell of an edit of its document again (%s)",
	(hex) => {
		expect(() => updateEnds(Buffer.from(hex, "hex"))).toThrow("empty");
	},
);

test("an update that says nothing is read without decoding it, and one that is cut off is not taken for it", () => {
	const nothing = Y.encodeStateAsUpdate(new Y.Doc());
	expect(readUpdate(nothing)).toMatchObject({ ends: new Map(), makesTypes: false });
	for (const broken of [[], [0], [1, 0], [0, 1]]) expect(() => readUpdate(new Uint8Array(broken))).toThrow();
});
