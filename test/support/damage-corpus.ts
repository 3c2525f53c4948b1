import type { Store, StoredDocument } from "../../extensions/durability/store.ts";
import type { Random } from "./random.ts";
import { Typist } from "./typist.ts";

/** What a store said of each document while it was whole. */
export type Corpus = ReadonlyMap<string, StoredDocument>;

/**
 * Fills a store with documents of every shape: log only, snapshot only, both, larger than a page and larger than a
 * chunk; and with free pages, which the last compaction leaves behind.
 */
export async function fillWithEveryShape(store: Store, random: Random): Promise<Corpus> {
	const names: string[] = [];
	const fill = async (name: string, edits: number, compactAfter: number, word = 0) => {
		const typist = new Typist();
		names.push(name);
		for (let edit = 1; edit <= edits; edit += 1) {
			const update =
				edit === 2 && word > 0
					? typist.type(String.fromCharCode(...random.bytes(word).map((byte) => 32 + (byte % 90))))
					: typist.any(random);
			await store.append([{ documentName: name, updates: [update] }]);
			if (edit === compactAfter) await store.compact(name, { gc: true });
		}
	};
	await fill("one entry", 1, 0);
	await fill("small log", 12, 0);
	await fill("log of many rows", 150, 0);
	await fill("snapshot only", 60, 60);
	await fill("snapshot and log", 80, 50);
	await fill("snapshot and many rows", 160, 20);
	await fill("a large entry", 8, 0, 9_000);
	await fill("a large snapshot", 40, 30, 12_000);
	const erased = new Typist();
	names.push("all erased");
	for (const update of [erased.type("x".repeat(9_000)), erased.erase(0, 9_000)]) {
		await store.append([{ documentName: "all erased", updates: [update] }]);
	}
	// Nothing is written after this, or it would take the pages that it frees.
	await store.compact("all erased", { gc: true });
	const corpus = new Map<string, StoredDocument>();
	for (const name of names) corpus.set(name, copyOf(await store.load(name)));
	return corpus;
}

/** In plain arrays, so that two of them compare by their bytes alone. */
export function copyOf(stored: StoredDocument): StoredDocument {
	const { snapshot } = stored;
	return {
		...stored,
		snapshot: snapshot && { ...snapshot, update: Uint8Array.from(snapshot.update) },
		entries: stored.entries.map(({ position, updates }) => ({
			position,
			updates: updates.map((update) => Uint8Array.from(update)),
		})),
	};
}
