/**
 * The process that the store's kill test kills: it appends numbered words to a few documents, compacts them all the
 * while, and tells its parent of every append that has resolved. Arguments: database file, seed.
 */
import { flushCompileCache } from "node:module";
import * as Y from "yjs";
import { SqliteStore } from "../../extensions/durability/sqlite/sqlite-store.ts";
import { Random } from "./random.ts";
import { Typist } from "./typist.ts";

const [path, seed] = process.argv.slice(2);
const random = new Random(Number(seed));
const store = new SqliteStore({ path: path as string });
await store.open();
// Nobody who is killed gets to keep what was compiled.
flushCompileCache();

const typists = new Map<string, Typist>();
for (const name of ["a", "b", "c", "d"]) {
	const typist = new Typist();
	const { snapshot, entries } = await store.load(name);
	const updates = entries.flatMap((entry) => entry.updates);
	for (const update of snapshot ? [snapshot.update, ...updates] : updates)
		Y.applyUpdate(typist.document, update);
	typists.set(name, typist);
}

const written = (typist: Typist) => typist.text.split(" ").length - 1;
let compacting: Promise<unknown> | undefined;
for (;;) {
	const batch = [...typists].filter(() => random.chance(0.7));
	if (batch.length === 0) continue;
	const padding = random.chance(0.05) ? "x".repeat(random.below(6_000)) : "";
	const results = await store.append(
		batch.map(([documentName, typist]) => ({
			documentName,
			updates: [typist.type(`${padding}${written(typist) + 1} `)],
		})),
	);
	batch.forEach(([name, typist], index) => {
		const result = results[index];
		if (result?.status !== "durable")
			throw result?.status === "failed" ? result.error : new Error("no result");
		process.send?.([name, written(typist)]);
	});
	if (compacting === undefined && random.chance(0.3)) {
		const name = random.pick([...typists.keys()]);
		compacting = store.compact(name, { gc: true }).finally(() => {
			compacting = undefined;
		});
	}
}
