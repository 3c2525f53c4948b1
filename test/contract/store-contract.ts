import { describe, expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import {
	type AppendResult,
	DamagedDocumentError,
	type Store,
	type StoredDocument,
	StoreUnavailableError,
} from "../../extensions/durability/store.ts";
import { Random, testSeed } from "../support/random.ts";
import { stateOf, Typist } from "../support/typist.ts";

/** A place where a store keeps things, so that one can be closed and another opened over it. */
export interface StorePlace {
	/** Makes a store over this place; not open yet. */
	store(): Store;
}

/** What every store must do, whatever it is made of. */
export function storeContract(kind: string, newPlace: () => StorePlace): void {
	async function openAt(place: StorePlace): Promise<Store> {
		const store = place.store();
		await store.open();
		onTestFinished(() => store.close());
		return store;
	}
	const openNew = () => openAt(newPlace());

	describe(`${kind}: appending and loading`, () => {
		test("a document that was never stored is at position 0", async () => {
			const store = await openNew();
			expect(await store.load("unknown")).toEqual({
				snapshot: undefined,
				entries: [],
				position: 0,
				logBytes: 0,
			});
		});

		test("[DUR1] what was reported as durable is there after closing and opening again", async () => {
			const place = newPlace();
			const store = await openAt(place);
			const updates = [bytes(1, 2, 3), bytes(4), new Uint8Array(300).fill(5)];
			for (const update of updates) expectDurable(await appendTo(store, "a", update));
			await store.close();
			const stored = await (await openAt(place)).load("a");
			expect(flat(stored)).toEqual(updates);
		});

		test("positions count from 1 without gaps, and go on after opening again", async () => {
			const place = newPlace();
			const store = await openAt(place);
			for (let position = 1; position <= 300; position += 1) {
				expect(await appendTo(store, "a", bytes(position))).toEqual([{ status: "durable", position }]);
			}
			await store.close();
			const next = await openAt(place);
			expect(await appendTo(next, "a", bytes(0))).toEqual([{ status: "durable", position: 301 }]);
			const { entries, position, logBytes } = await next.load("a");
			expect(entries.map((entry) => entry.position)).toEqual(Array.from({ length: 301 }, (_, i) => i + 1));
			expect(position).toBe(301);
			expect(logBytes).toBe(301);
		});

		test("the updates of one request stay apart and in order", async () => {
			const store = await openNew();
			const updates = [0, 1, 127, 128, 129, 16_383, 16_384, 70_000].map((length) =>
				new Uint8Array(length).fill(length % 251),
			);
			await appendTo(store, "a", ...updates);
			const { entries, logBytes } = await store.load("a");
			expect(entries).toEqual([{ position: 1, updates }]);
			expect(logBytes).toBe(updates.reduce((sum, update) => sum + update.byteLength, 0));
		});

		test("a batch of many documents gives each its own entry, results in the order of the requests", async () => {
			const store = await openNew();
			const names = Array.from({ length: 500 }, (_, index) => `document-${index}`);
			await appendTo(store, "document-7", bytes(0));
			const results = await store.append(
				names.map((documentName, index) => ({ documentName, updates: [bytes(index, index >> 8)] })),
			);
			expect(results).toEqual(
				names.map((name) => ({ status: "durable", position: name === "document-7" ? 2 : 1 })),
			);
			for (const index of [0, 7, 499]) {
				expect(flat(await store.load(`document-${index}`)).at(-1)).toEqual(bytes(index, index >> 8));
			}
		});

		test("an empty batch is no error", async () => {
			expect(await (await openNew()).append([])).toEqual([]);
		});

		test("a request without updates is refused", async () => {
			const store = await openNew();
			await expect(store.append([{ documentName: "a", updates: [] }])).rejects.toThrow(TypeError);
			expect((await store.load("a")).position).toBe(0);
		});

		test("the caller's buffers stay its own", async () => {
			const store = await openNew();
			const update = new Uint8Array(Buffer.alloc(64, 7).buffer, 0, 32);
			const appended = appendTo(store, "a", update);
			update.fill(9);
			await appended;
			expect(update.byteLength).toBe(32);
			expect(flat(await store.load("a"))).toEqual([new Uint8Array(32).fill(7)]);
		});

		test("a document may be as good as empty", async () => {
			const store = await openNew();
			const nothing = Y.encodeStateAsUpdate(new Y.Doc());
			await appendTo(store, "a", nothing);
			expect(flat(await store.load("a"))).toEqual([nothing]);
			expect(await store.compact("a", { gc: true })).toMatchObject({ status: "compacted", position: 1 });
			expect((await store.load("a")).position).toBe(1);
		});

		test("an update of 5 MB, with small ones before and after it", async () => {
			const place = newPlace();
			const store = await openAt(place);
			const large = new Random(5).bytes(5 * 1024 * 1024);
			for (const update of [bytes(1), large, bytes(2), bytes(3)]) await appendTo(store, "a", update);
			const updates = flat(await store.load("a"));
			expect(updates.map(({ byteLength }) => byteLength)).toEqual([1, large.byteLength, 1, 1]);
			expect(Buffer.compare(updates[1] ?? bytes(), large)).toBe(0);
			await store.close();
			expect(await appendTo(await openAt(place), "a", bytes(4))).toEqual([
				{ status: "durable", position: 5 },
			]);
		});

		test("names of every kind are names of different documents", async () => {
			const place = newPlace();
			const store = await openAt(place);
			for (const name of strangeNames) await appendTo(store, name, new TextEncoder().encode(name));
			await store.close();
			const next = await openAt(place);
			for (const name of strangeNames) {
				expect(flat(await next.load(name)), JSON.stringify(name)).toEqual([new TextEncoder().encode(name)]);
			}
		});

		test("many loads and appends at once", async () => {
			const store = await openNew();
			const names = Array.from({ length: 50 }, (_, index) => `document-${index}`);
			for (const name of names) await appendTo(store, name, bytes(1));
			const loads = names.map((name) => store.load(name));
			const appended = store.append(names.map((documentName) => ({ documentName, updates: [bytes(2)] })));
			for (const stored of await Promise.all(loads)) {
				expect([1, 2]).toContain(stored.position);
				expect(stored.entries).toHaveLength(stored.position);
			}
			await appended;
			for (const name of names) expect(flat(await store.load(name))).toEqual([bytes(1), bytes(2)]);
		});
	});

	describe(`${kind}: compaction`, () => {
		test("[DUR4] merges all of the log into a snapshot with the same content, and removes it", async () => {
			const place = newPlace();
			const store = await openAt(place);
			const typist = new Typist();
			for (let words = 0; words < 100; words += 1) await appendTo(store, "a", typist.type("word "));
			const result = await store.compact("a", { gc: true });
			expect(result).toMatchObject({ status: "compacted", position: 100, entriesMerged: 100 });
			await store.close();
			const stored = await (await openAt(place)).load("a");
			expect(stored).toMatchObject({ entries: [], position: 100, logBytes: 0 });
			expect(stateOf(stored)).toBe("word ".repeat(100));
		});

		test("[DUR4] reports what it did", async () => {
			const store = await openNew();
			await appendTo(store, "a", new Typist().type("x".repeat(50_000)));
			const result = await store.compact("a", { gc: true });
			const { snapshot } = await store.load("a");
			if (result.status !== "compacted") throw new Error("it was not compacted");
			expect(result.snapshotBytes).toBe(snapshot?.update.byteLength);
			expect(result.storedBytes).toBeGreaterThan(0);
			expect(result.storedBytes).toBeLessThanOrEqual(result.snapshotBytes);
		});

		test("[DUR4] a second time nothing is left to do", async () => {
			const store = await openNew();
			await appendTo(store, "a", new Typist().type("once"));
			await store.compact("a", { gc: true });
			const before = await store.load("a");
			expect(await store.compact("a", { gc: true })).toEqual({ status: "unchanged", position: 1 });
			expect(await store.load("a")).toEqual(before);
		});

		test("[DUR4] a document that was never stored stays so", async () => {
			const store = await openNew();
			expect(await store.compact("a", { gc: true })).toEqual({ status: "unchanged", position: 0 });
			expect((await store.load("a")).position).toBe(0);
		});

		test("[DUR4] entries that are appended during a compaction stay", async () => {
			const place = newPlace();
			const store = await openAt(place);
			const typist = new Typist();
			for (let round = 0; round < 400; round += 1) {
				await appendTo(store, "a", typist.type(`${round} `), typist.type("and "));
			}
			const compacted = store.compact("a", { gc: true });
			for (let round = 0; round < 60; round += 1) {
				await appendTo(store, "a", typist.type(`${round} meanwhile `));
			}
			const result = await compacted;
			await appendTo(store, "a", typist.type("the end"));
			const stored = await store.load("a");
			expect(stored.snapshot?.position).toBe(result.position);
			expect(stored.entries.map(({ position }) => position)).toEqual(
				Array.from({ length: 461 - result.position }, (_, index) => result.position + 1 + index),
			);
			expect(stateOf(stored)).toBe(typist.text);
			await store.close();
			expect(stateOf(await (await openAt(place)).load("a"))).toBe(typist.text);
		});

		test("[DUR4] several at once for one document do it once each or find it done", async () => {
			const store = await openNew();
			const typist = new Typist();
			for (let words = 0; words < 50; words += 1) await appendTo(store, "a", typist.type("word "));
			const results = await Promise.all([1, 2, 3].map(() => store.compact("a", { gc: true })));
			expect(results.filter(({ status }) => status === "compacted")).toHaveLength(1);
			const stored = await store.load("a");
			expect(stored).toMatchObject({ entries: [], position: 50 });
			expect(stateOf(stored)).toBe(typist.text);
		});

		test("[DUR4] positions go on after it", async () => {
			const store = await openNew();
			const typist = new Typist();
			await appendTo(store, "a", typist.type("1"));
			await store.compact("a", { gc: true });
			expect(await appendTo(store, "a", typist.type("2"))).toEqual([{ status: "durable", position: 2 }]);
			expect(await store.compact("a", { gc: true })).toMatchObject({ position: 2, entriesMerged: 1 });
			expect(stateOf(await store.load("a"))).toBe("12");
		});

		test("[DUR4] deleted content goes with gc, and stays without", async () => {
			const store = await openNew();
			for (const gc of [true, false]) {
				const typist = new Typist({ gc: false });
				const name = `gc ${gc}`;
				await appendTo(store, name, typist.type("secret"), typist.type(" kept"));
				const history = Y.snapshot(typist.document);
				await appendTo(store, name, typist.erase(0, 6));
				await store.compact(name, { gc });
				const stored = await store.load(name);
				expect(stateOf(stored)).toBe(" kept");
				const update = Buffer.from(stored.snapshot?.update ?? []);
				expect(update.includes("secret")).toBe(!gc);
				if (gc) continue;
				const document = new Y.Doc({ gc: false });
				Y.applyUpdate(document, update);
				expect(Y.createDocFromSnapshot(document, history).getText("text").toString()).toBe("secret kept");
			}
		});

		test("[DUR4] updates that wait for missing ones survive it", async () => {
			const store = await openNew();
			const typist = new Typist();
			const [first, second, erasure] = [typist.type("one "), typist.type("two "), typist.erase(0, 2)];
			await appendTo(store, "a", second);
			await appendTo(store, "a", erasure);
			await store.compact("a", { gc: true });
			expect(stateOf(await store.load("a"))).toBe("");
			await appendTo(store, "a", first);
			expect(stateOf(await store.load("a"))).toBe("e two ");
			await store.compact("a", { gc: true });
			expect(stateOf(await store.load("a"))).toBe("e two ");
		});

		test("[DUR5] what Yjs does not understand is left as it is", async () => {
			const store = await openNew();
			const typist = new Typist();
			await appendTo(store, "a", typist.type("good"));
			await appendTo(store, "a", bytes(200, 200, 200, 200));
			const before = await store.load("a");
			await expect(store.compact("a", { gc: true })).rejects.toThrow(DamagedDocumentError);
			expect(await store.load("a")).toEqual(before);
		});
	});

	describe(`${kind}: opening and closing`, () => {
		test("calls before open and after close are refused", async () => {
			const store = newPlace().store();
			const refused = async () => {
				await expect(store.load("a")).rejects.toThrow(StoreUnavailableError);
				await expect(appendTo(store, "a", bytes(1))).rejects.toThrow(StoreUnavailableError);
				await expect(store.compact("a", { gc: true })).rejects.toThrow(StoreUnavailableError);
			};
			await refused();
			await store.open();
			await store.close();
			await refused();
			await store.close();
		});

		test("[DUR1] an append that is under way when it is closed tells the truth", async () => {
			const place = newPlace();
			const store = await openAt(place);
			const outcome = appendTo(store, "a", bytes(1)).then(
				([result]) => result?.status === "durable",
				() => false,
			);
			await store.close();
			if (await outcome) expect(flat(await (await openAt(place)).load("a"))).toEqual([bytes(1)]);
		});
	});

	test(`${kind}: [DUR1] [DUR4] any order of appends, compactions and reopenings keeps everything`, async () => {
		const random = new Random(testSeed(`store contract, ${kind}`));
		const place = newPlace();
		let store = await openAt(place);
		const typists = new Map(["a", "b", "c"].map((name) => [name, new Typist()]));
		const positions = new Map<string, number>();
		const compactions: Promise<unknown>[] = [];
		for (let step = 0; step < 600; step += 1) {
			const batch = [...typists].filter(() => random.chance(0.6));
			const results = await store.append(
				batch.map(([documentName, typist]) => ({
					documentName,
					updates: Array.from({ length: 1 + random.below(3) }, () => typist.any(random)),
				})),
			);
			batch.forEach(([name], index) => {
				const position = (positions.get(name) ?? 0) + 1;
				expect(results[index]).toEqual({ status: "durable", position });
				positions.set(name, position);
			});
			if (random.chance(0.1)) compactions.push(store.compact(random.pick(["a", "b", "c"]), { gc: true }));
			if (random.chance(0.05)) {
				const [name, typist] = random.pick([...typists]);
				expect(stateOf(await store.load(name))).toBe(typist.text);
			}
			if (random.chance(0.01)) {
				await Promise.all(compactions.splice(0));
				await store.close();
				store = await openAt(place);
			}
		}
		await Promise.all(compactions);
		for (const [name, typist] of typists) {
			const stored = await store.load(name);
			expect(stored.position).toBe(positions.get(name));
			expect(stateOf(stored)).toBe(typist.text);
		}
	});
}

const strangeNames = [
	"plain",
	"Plain",
	"plain ",
	" plain",
	"ä",
	"a\u0308",
	"文書/一",
	"🖋️ pen",
	"'; DROP TABLE documents; --",
	'"quoted"',
	"100%_",
	"back\\slash",
	"../../etc/passwd",
	"__proto__",
	"constructor",
	"nul\0inside",
	"nul\0outside",
	"line\nbreak",
	"0",
	"00",
	"x".repeat(1024),
	`${"x".repeat(1023)}y`,
];

function appendTo(
	store: Store,
	documentName: string,
	...updates: Uint8Array[]
): Promise<readonly AppendResult[]> {
	return store.append([{ documentName, updates }]);
}

function expectDurable(results: readonly AppendResult[]): void {
	for (const { status } of results) expect(status).toBe("durable");
}

/** All updates of the log, entries put end to end. */
function flat({ entries }: StoredDocument): Uint8Array[] {
	return entries.flatMap(({ updates }) => updates.map((update) => Uint8Array.from(update)));
}

function bytes(...values: number[]): Uint8Array {
	return Uint8Array.from(values);
}
