import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { type SceneElement, SharedScene } from "../../demo-editor/src/board/shared-scene.ts";
import { Random } from "../support/random.ts";

function element(id: string, index: string, change: Partial<SceneElement> = {}): SceneElement {
	const base = { id, index, type: "freedraw", x: 0, y: 0, version: 1, versionNonce: 1, isDeleted: false };
	return { ...base, ...change } as SceneElement;
}

function exchange(a: Y.Doc, b: Y.Doc): void {
	const [forA, forB] = [Y.encodeStateAsUpdate(b), Y.encodeStateAsUpdate(a)];
	Y.applyUpdate(a, forA);
	Y.applyUpdate(b, forB);
}

function pair() {
	const [one, other] = [new Y.Doc(), new Y.Doc()];
	return { one, other, ofOne: new SharedScene(one), ofOther: new SharedScene(other) };
}

function ids(scene: SharedScene): string[] {
	return scene.all().map(({ id }) => id);
}

describe("a whiteboard in a Yjs document", () => {
	test("[CON1] what two people draw at the same time is all there after a merge, in one order", () => {
		const { one, other, ofOne, ofOther } = pair();
		ofOne.write([element("a1", "a1"), element("a2", "a3")], "test");
		ofOther.write([element("b1", "a1"), element("b2", "a2")], "test");
		exchange(one, other);
		expect(ids(ofOne)).toEqual(["a1", "b1", "b2", "a2"]);
		expect(ids(ofOther)).toEqual(ids(ofOne));
	});

	test("only what has changed is written", () => {
		const { one, ofOne } = pair();
		ofOne.write([element("a", "a1"), element("b", "a2")], "test");
		let updates = 0;
		one.on("update", () => {
			updates += 1;
		});
		ofOne.write([element("a", "a1"), element("b", "a2")], "test");
		expect(updates).toBe(0);
		const before = Y.encodeStateVector(one);
		ofOne.write([element("a", "a1"), element("b", "a2", { version: 2, x: 5 })], "test");
		expect(updates).toBe(1);
		const written = new TextDecoder().decode(Y.encodeStateAsUpdate(one, before));
		expect(written).toContain("b");
		expect(written).not.toContain("a1");
	});

	test("a deleted element is gone for all, and comes back when the deletion is undone", () => {
		const { one, other, ofOne, ofOther } = pair();
		ofOne.write([element("a", "a1"), element("b", "a2")], "test");
		exchange(one, other);
		ofOne.write([element("a", "a1", { isDeleted: true, version: 2 })], "test");
		exchange(one, other);
		expect(ids(ofOther)).toEqual(["b"]);
		ofOne.write([element("a", "a1", { version: 3 })], "test");
		exchange(one, other);
		expect(ids(ofOther)).toEqual(["a", "b"]);
	});

	test("an element that one deletes while the other changes it stays", () => {
		const { one, other, ofOne, ofOther } = pair();
		ofOne.write([element("a", "a1")], "test");
		exchange(one, other);
		ofOther.noteVersion("a");
		ofOne.write([element("a", "a1", { isDeleted: true, version: 2 })], "test");
		ofOther.write([element("a", "a1", { version: 2, versionNonce: 7, x: 9 })], "test");
		exchange(one, other);
		expect(ids(ofOne)).toEqual(["a"]);
		expect(ids(ofOther)).toEqual(["a"]);
	});

	test("what others wrote that is no element is left out", () => {
		const { one, ofOne } = pair();
		ofOne.write([element("a", "a1")], "test");
		const map = one.getMap<unknown>("elements");
		for (const [key, value] of Object.entries({
			n: null,
			t: "text",
			o: { id: 3 },
			x: { id: "x", type: "r", x: "1" },
		}))
			map.set(key, value);
		expect(ids(ofOne)).toEqual(["a"]);
	});

	test("[CON1] whatever two people do in whatever order, both end with the same, and no lone stroke is lost", () => {
		for (let seed = 1; seed <= 200; seed += 1) {
			const random = new Random(seed);
			const { one, other, ofOne, ofOther } = pair();
			const sides = [
				{ scene: ofOne, doc: one, name: "one" },
				{ scene: ofOther, doc: other, name: "other" },
			] as const;
			const kept = new Set<string>();
			for (const { scene } of sides) {
				scene.elements.observe((event) => {
					for (const id of event.keysChanged) scene.noteVersion(id);
				});
			}
			for (let step = 0; step < 60; step += 1) {
				const side = sides[random.next() < 0.5 ? 0 : 1];
				const roll = random.next();
				if (roll < 0.5) {
					const id = `${side.name}-${step}`;
					side.scene.write([element(id, `a${step}`)], "test");
					kept.add(id);
				} else if (roll < 0.8) {
					const all = side.scene.all();
					const chosen = all[Math.floor(random.next() * all.length)];
					if (chosen === undefined) continue;
					const isDeleted = roll < 0.6;
					if (isDeleted) kept.delete(chosen.id);
					side.scene.write(
						[{ ...chosen, isDeleted, version: chosen.version + 1, versionNonce: step }],
						"test",
					);
				} else exchange(one, other);
			}
			exchange(one, other);
			expect(ofOne.all(), `seed ${seed}`).toEqual(ofOther.all());
			const left = new Set(ids(ofOne));
			for (const id of kept) expect(left.has(id), `seed ${seed}: ${id}`).toBe(true);
		}
	});
});
