import { describe, expect, onTestFinished, test } from "vitest";
import {
	type AppendResult,
	type Catalogue,
	DocumentDeletedError,
	type Store,
	StoreUnavailableError,
} from "../../extensions/durability/store.ts";
import { stateOf, Typist } from "../support/typist.ts";

interface Kept extends Store {
	readonly catalogue: Catalogue;
}

/** What every store must do that can list and delete documents. */
export function catalogueContract(kind: string, newPlace: () => { store(): Store }): void {
	async function openAt(place: { store(): Store }): Promise<Kept> {
		const store = place.store();
		await store.open();
		onTestFinished(() => store.close());
		const { catalogue } = store;
		if (catalogue === undefined) throw new Error("this store has no catalogue");
		return Object.assign(store, { catalogue });
	}
	const openNew = () => openAt(newPlace());

	describe(`${kind}: listing`, () => {
		test("names come page by page, in the order of their bytes, each once, with what is stored", async () => {
			const store = await openNew();
			expect(await store.catalogue.list({ limit: 10 })).toEqual({ documents: [], hasMore: false });
			const names = ["b", "a/2", "a/1", "ä", "Z", "🖋️", "文書", "a\0b", "100%_"];
			for (const name of names) await append(store, name, new Uint8Array(1_000).fill(7));
			const inOrder = names.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)));
			const found: string[] = [];
			for (let after: string | undefined; ; ) {
				const { documents, hasMore } = await store.catalogue.list({ after, limit: 2 });
				expect(documents.length).toBeLessThanOrEqual(2);
				for (const { name, bytes } of documents) {
					found.push(name);
					expect(bytes).toBeGreaterThanOrEqual(1_000);
					expect(bytes).toBeLessThan(10_000);
				}
				after = documents.at(-1)?.name;
				if (!hasMore) break;
			}
			expect(found).toEqual(inOrder);
		});

		test("a prefix is taken as it is, also with an end of a page before or behind it", async () => {
			const store = await openNew();
			for (const name of ["a", "a/1", "a/2", "a_1", "b", "100%", "100%_1", "100x", "🖋️", "🖋️ 2"])
				await append(store, name, Uint8Array.of(1));
			const list = async (prefix: string, after?: string) => {
				const { documents } = await store.catalogue.list({ prefix, after, limit: 10 });
				return documents.map(({ name }) => name);
			};
			expect(await list("a/")).toEqual(["a/1", "a/2"]);
			expect(await list("a/", "a/1")).toEqual(["a/2"]);
			expect(await list("a/", "0")).toEqual(["a/1", "a/2"]);
			expect(await list("a/", "b")).toEqual([]);
			expect(await list("100%")).toEqual(["100%", "100%_1"]);
			expect(await list("🖋️")).toEqual(["🖋️", "🖋️ 2"]);
			expect(await list("none")).toEqual([]);
		});

		test("a merged document is listed with what it takes now", async () => {
			const store = await openNew();
			const typist = new Typist();
			for (let times = 0; times < 50; times += 1) await append(store, "a", typist.type("words "));
			const [before] = (await store.catalogue.list({ limit: 1 })).documents;
			await store.compact("a", { gc: true });
			const [after] = (await store.catalogue.list({ limit: 1 })).documents;
			expect(after?.bytes).toBeGreaterThan(0);
			expect(after?.bytes).toBeLessThan(before?.bytes ?? 0);
		});
	});

	describe(`${kind}: deleting`, () => {
		test("[DUR7] what was deleted is gone, is refused, and stays so over a restart; others are not touched", async () => {
			const place = newPlace();
			const store = await openAt(place);
			const typist = new Typist();
			await append(store, "gone", typist.type("one "));
			await store.compact("gone", { gc: true });
			await append(store, "gone", typist.type("two "));
			await append(store, "stays", Uint8Array.of(1));
			expect(await store.catalogue.delete("gone")).toEqual({ status: "deleted", generation: 1 });
			const checkRefusals = async (at: Kept) => {
				await expect(at.load("gone")).rejects.toThrow(DocumentDeletedError);
				await expect(at.compact("gone", { gc: true })).rejects.toThrow(DocumentDeletedError);
				for (const generation of [undefined, 0, 1, 2])
					expect(await append(at, "gone", Uint8Array.of(1), generation)).toEqual({ status: "deleted" });
				expect((await at.catalogue.list({ limit: 10 })).documents.map(({ name }) => name)).toEqual(["stays"]);
				expect((await at.load("stays")).position).toBe(1);
			};
			await checkRefusals(store);
			await store.close();
			const next = await openAt(place);
			await checkRefusals(next);
			expect(await next.catalogue.delete("gone")).toMatchObject({ status: "deleted-before" });
			await checkRefusals(next);
		});

		test("[DUR7] in a batch only what was deleted is refused", async () => {
			const store = await openNew();
			await append(store, "b", Uint8Array.of(1));
			await store.catalogue.delete("b");
			const batch = ["a", "b", "c"].map((documentName) => ({ documentName, updates: [Uint8Array.of(2)] }));
			expect(await store.append(batch)).toEqual([
				{ status: "durable", position: 1 },
				{ status: "deleted" },
				{ status: "durable", position: 1 },
			]);
		});

		test("what was never stored is unknown, and leaves no mark unless it has to", async () => {
			const store = await openNew();
			expect(await store.catalogue.delete("unknown")).toEqual({ status: "unknown" });
			expect(await append(store, "unknown", Uint8Array.of(1))).toEqual({ status: "durable", position: 1 });
			const forced = await store.catalogue.delete("never", { evenIfUnknown: true });
			expect(forced).toMatchObject({ status: "deleted" });
			expect(await append(store, "never", Uint8Array.of(1))).toEqual({ status: "deleted" });
		});

		test("[DUR7] a freed name is a document that was never stored; what is of the one before stays refused", async () => {
			const place = newPlace();
			const store = await openAt(place);
			for (const value of [1, 2, 3]) await append(store, "a", Uint8Array.of(value));
			expect(await store.catalogue.free("a")).toBe(false);
			await store.catalogue.delete("a");
			expect(await store.catalogue.free("a")).toBe(true);
			expect(await store.catalogue.free("a")).toBe(false);
			const { position, entries, generation = 0 } = await store.load("a");
			expect({ position, entries }).toEqual({ position: 0, entries: [] });
			expect(generation).toBeGreaterThan(0);
			expect((await store.catalogue.list({ limit: 10 })).documents).toEqual([]);
			expect(await store.catalogue.delete("a")).toEqual({ status: "unknown" });
			expect(await append(store, "a", Uint8Array.of(4), 0)).toEqual({ status: "deleted" });
			expect(await append(store, "a", Uint8Array.of(5), generation)).toEqual({
				status: "durable",
				position: 1,
			});
			expect((await store.catalogue.list({ limit: 10 })).documents.map(({ name }) => name)).toEqual(["a"]);
			await store.close();
			const again = await (await openAt(place)).load("a");
			expect(again.entries).toEqual([{ position: 1, updates: [Uint8Array.of(5)] }]);
		});

		test("[DUR7] a merge of what was deleted meanwhile does not put it into the next document of the name", async () => {
			const store = await openNew();
			const typist = new Typist();
			for (const word of ["old ", "words "]) await append(store, "a", typist.type(word));
			const merging = store.compact("a", { gc: true }).then(
				() => {},
				(error) => expect(error).toBeInstanceOf(DocumentDeletedError),
			);
			await store.catalogue.delete("a");
			await store.catalogue.free("a");
			const { generation } = await store.load("a");
			const next = new Typist();
			for (const word of ["new ", "text "]) await append(store, "a", next.type(word), generation);
			await merging;
			expect(stateOf(await store.load("a"))).toBe("new text ");
		});

		test("[DUR7] appends that race with a deletion are durable before it, or refused", async () => {
			const store = await openNew();
			await append(store, "a", Uint8Array.of(0));
			const appends: Promise<AppendResult | undefined>[] = [];
			const appending = (async () => {
				for (let value = 1; value <= 40; value += 1) {
					const result = append(store, "a", Uint8Array.of(value));
					appends.push(result);
					await result;
				}
			})();
			await appends[0];
			await store.catalogue.delete("a");
			await appending;
			const results = await Promise.all(appends);
			expect(results.at(-1)).toEqual({ status: "deleted" });
			const first = results.findIndex((result) => result?.status === "deleted");
			expect(results.slice(first).every((result) => result?.status === "deleted")).toBe(true);
			await store.catalogue.free("a");
			expect((await store.load("a")).position).toBe(0);
		});

		test("before open and after close it is refused", async () => {
			const place = newPlace();
			const { catalogue } = place.store();
			await expect(catalogue?.delete("a")).rejects.toThrow(StoreUnavailableError);
			const store = await openAt(place);
			await store.close();
			await expect(store.catalogue.list({ limit: 1 })).rejects.toThrow(StoreUnavailableError);
			await expect(store.catalogue.free("a")).rejects.toThrow(StoreUnavailableError);
		});
	});
}

async function append(
	store: Store,
	documentName: string,
	update: Uint8Array,
	generation?: number,
): Promise<AppendResult | undefined> {
	const [result] = await store.append([{ documentName, updates: [update], generation }]);
	return result;
}
