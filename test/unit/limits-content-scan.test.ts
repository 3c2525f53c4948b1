import * as encoding from "lib0/encoding";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { scanUpdate } from "../../extensions/durability/update-scan.ts";
import { defaultContentLimits } from "../../extensions/limits/content/content-defaults.ts";
import { bigBoard } from "../support/boards.ts";
import { Random, testSeed } from "../support/random.ts";

/** A document in which there is everything that Yjs can hold, changed by two clients. */
function randomUpdate(random: Random): Uint8Array {
	const [one, other] = [new Y.Doc(), new Y.Doc()];
	for (let step = 0; step < 60; step += 1) {
		const document = random.chance(0.5) ? one : other;
		const text = document.getText(`text ${random.below(3)}`);
		const array = document.getArray<unknown>("array");
		const map = document.getMap<unknown>("map");
		switch (random.below(9)) {
			case 0:
				text.insert(random.below(text.length + 1), "añ😀".slice(0, 1 + random.below(3)));
				break;
			case 1:
				if (text.length > 2) text.delete(random.below(text.length - 1), 1);
				break;
			case 2:
				text.applyDelta([{ insert: "bold", attributes: { bold: true } }]);
				break;
			case 3:
				text.insertEmbed(0, { image: "a" });
				break;
			case 4:
				map.set(`key ${random.below(4)}`, new Y.Map([["a", [1, 2.5, null, { deep: [true, "x", 10n] }]]]));
				break;
			case 5:
				array.insert(0, [random.bytes(random.below(20)), [undefined], 2 ** 40, -1, { a: {} }]);
				break;
			case 6:
				if (array.length > 3) array.delete(random.below(array.length - 2), 2);
				break;
			case 7:
				array.insert(0, [new Y.XmlElement("paragraph"), new Y.XmlHook("hook"), new Y.Doc()]);
				break;
			default:
				Y.applyUpdate(one, Y.encodeStateAsUpdate(other));
				Y.applyUpdate(other, Y.encodeStateAsUpdate(one));
		}
	}
	return Y.encodeStateAsUpdate(one, random.chance(0.5) ? undefined : Y.encodeStateVector(other));
}

function structsAndRanges(update: Uint8Array) {
	const { structs, ds } = Y.decodeUpdate(update);
	const ranges = [...ds.clients.values()].reduce((sum, items) => sum + items.length, 0);
	const parents = structs.map((struct) => (struct as { parent?: unknown }).parent);
	const roots = new Set(parents.filter((parent) => typeof parent === "string"));
	const clients = new Set(structs.map(({ id }) => id.client));
	return { structs: structs.length, ranges, roots, sections: clients.size + ds.clients.size };
}

describe("what an update is made of", () => {
	it("is counted as Yjs reads it", () => {
		const random = new Random(testSeed("limits-content-scan"));
		for (let round = 0; round < 40; round += 1) {
			const update = randomUpdate(random);
			const { structs, ranges, roots, sections } = structsAndRanges(update);
			const scan = scanUpdate(update, 1e9);
			expect(scan.ranges).toBe(ranges);
			expect([...scan.roots].sort()).toEqual([...roots].sort());
			expect(scan.parts).toBeGreaterThanOrEqual(structs + ranges + sections);
			expect(scan.sections).toBe(sections);
		}
	});

	it("holds values inside of structs, however deep", () => {
		const document = new Y.Doc();
		document.getArray("a").insert(0, [[1, 2, 3], { a: { b: [4] } }, "five"]);
		// One section, one struct, seven values in lists, and two with names.
		expect(scanUpdate(Y.encodeStateAsUpdate(document), 1e9).parts).toBe(1 + 1 + 7 / 16 + 2 / 4);
	});

	it.for(["object", "map"] as const)(
		"is below the bounds for a whiteboard of ten thousand elements, each of which is a(n) %s",
		(kind) => {
			const update = Y.encodeStateAsUpdate(bigBoard(kind));
			const { updateBytesMax, updatePartsMax } = defaultContentLimits;
			expect(update.byteLength).toBeLessThan(updateBytesMax);
			expect(scanUpdate(update, 1e9).parts).toBeLessThan(updatePartsMax);
		},
	);

	it("[TRN5] is not counted further than asked for", () => {
		const document = new Y.Doc();
		document.getArray("a").insert(0, new Array(10_000).fill(1));
		const { parts } = scanUpdate(Y.encodeStateAsUpdate(document), 100);
		expect(parts).toBeGreaterThan(100);
		expect(parts).toBeLessThanOrEqual(101);
	});

	it("[TRN5] is not counted when it can't be read: cut anywhere, or claiming more than there is", () => {
		const random = new Random(testSeed("limits-content-scan-cut"));
		const update = randomUpdate(random);
		for (let round = 0; round < 200; round += 1) {
			const cut = update.subarray(0, random.below(update.byteLength));
			expect(() => scanUpdate(cut, 1e9)).toThrow();
		}
		const claim = encoding.encode((encoder) => {
			for (const number of [1, 1, 5, 0]) encoding.writeVarUint(encoder, number);
			encoding.writeUint8(encoder, 8);
			encoding.writeVarUint(encoder, 1);
			encoding.writeVarString(encoder, "a");
			encoding.writeVarUint(encoder, 2 ** 40);
		});
		expect(() => scanUpdate(claim, 1e9)).toThrow();
	});
});
