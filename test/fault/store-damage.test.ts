import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { SqliteStore } from "../../extensions/durability/sqlite/sqlite-store.ts";
import {
	DamagedDocumentError,
	StoreConfigurationError,
	type StoredDocument,
} from "../../extensions/durability/store.ts";
import { type Flip, flipBit, flipsInPages, tamper } from "../support/damage.ts";
import { type Corpus, copyOf, fillWithEveryShape } from "../support/damage-corpus.ts";
import { Random, testSeed } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { stateOf, Typist } from "../support/typist.ts";

/** Of the file's pages every so many are damaged, each in a run of its own; 1 takes all of them. */
const pageStep = Number(process.env.INDELIBLE_DAMAGE_STEP ?? 12);
const pageBytes = 512;

interface Whole {
	readonly path: string;
	readonly corpus: Corpus;
}

async function wholeDatabase(random: Random): Promise<Whole> {
	const path = join(temporaryFolder(), "whole.sqlite");
	const store = new SqliteStore({ path });
	await store.open();
	const corpus = await fillWithEveryShape(store, random);
	await store.close();
	return { path, corpus };
}

function copyOfDatabase({ path }: Whole): string {
	const copy = join(temporaryFolder(), "indelible.sqlite");
	copyFileSync(path, copy);
	return copy;
}

/** @returns `undefined` when the store refuses the file, which then must be as it was. */
async function openOrRefused(path: string): Promise<SqliteStore | undefined> {
	const before = readFileSync(path);
	const store = new SqliteStore({ path });
	try {
		await store.open();
	} catch (error) {
		expect(error).toBeInstanceOf(StoreConfigurationError);
		expect(readFileSync(path).equals(before)).toBe(true);
		return undefined;
	}
	onTestFinished(() => store.close());
	return store;
}

/** @returns The document as it was stored, or `undefined` when it is refused. There is nothing between. */
async function exactOrRefused(
	store: SqliteStore,
	name: string,
	expected: StoredDocument,
): Promise<StoredDocument | undefined> {
	try {
		const stored = copyOf(await store.load(name));
		expect(stored, name).toEqual(expected);
		return stored;
	} catch (error) {
		if (!(error instanceof DamagedDocumentError)) throw error;
		expect(error).toMatchObject({ documentName: name, reason: "document-damaged" });
		return undefined;
	}
}

/** As {@link exactOrRefused}, of one that was compacted meanwhile. */
async function sameOrRefused(store: SqliteStore, name: string, expected: StoredDocument): Promise<void> {
	try {
		expect(stateOf(await store.load(name)), name).toBe(stateOf(expected));
	} catch (error) {
		if (!(error instanceof DamagedDocumentError)) throw error;
	}
}

interface Worked {
	/** What the documents that were read must say afterwards. */
	readonly later: Corpus;
	/** Those that could not be read, and could be compacted. */
	readonly merged: readonly string[];
}

/** Writes to a damaged store whatever it takes. */
async function workOn(store: SqliteStore, read: Corpus, all: Corpus): Promise<Worked> {
	const expected = new Map(read);
	for (const [name, stored] of read) {
		const update = new Typist().type("more");
		const position = stored.position + 1;
		// A damaged list of free pages makes every write fail, which is no loss: nothing is acknowledged.
		const [result] = await store.append([{ documentName: name, updates: [update] }]).catch(() => []);
		if (result?.status !== "durable") continue;
		expect(result.position, name).toBe(position);
		const entries = [...stored.entries, { position, updates: [update] }];
		expected.set(name, { ...stored, entries, position, logBytes: stored.logBytes + update.byteLength });
	}
	for (const name of ["new one", "new two"]) {
		const update = new Typist().type("x".repeat(4_000));
		await store.append([{ documentName: name, updates: [update] }]).catch(() => []);
	}
	const merged: string[] = [];
	for (const [name, { entries, position }] of all) {
		if (read.has(name)) continue;
		const outcome = await store.compact(name, { gc: true }).catch((error: unknown) => error);
		if (outcome instanceof DamagedDocumentError) continue;
		// With other rows in its index, it is found again. All of it, then.
		expect(outcome, name).toMatchObject({ status: "compacted", entriesMerged: entries.length, position });
		merged.push(name);
	}
	return { later: expected, merged };
}

/**
 * Whether a row is found in a damaged tree of SQLite's depends on what else is in it, so it may be found at first, and missed after other rows have come.
 * Then the document is refused. Where it is an index that is damaged, all of it is there for one that is made anew.
 */
async function checkRefusedLater(whole: Whole, flip: Flip, path: string, lost: Corpus): Promise<void> {
	const copy = copyOfDatabase(whole);
	flipBit(copy, flip);
	const faults: string[] = [];
	tamper(copy, (database) => {
		for (const { integrity_check: fault } of database.prepare("PRAGMA integrity_check").all())
			faults.push(String(fault));
	});
	expect(faults, `${[...lost.keys()]} could be read before`).not.toEqual(["ok"]);
	if (!faults.every((fault) => fault.includes("index"))) return;
	tamper(path, (database) => database.exec("REINDEX"));
	const store = await openOrRefused(path);
	if (store === undefined) throw new Error("it can't be opened any more");
	for (const [name, expected] of lost) expect(copyOf(await store.load(name)), name).toEqual(expected);
	await store.close();
}

/** The whole life of a file with one flipped bit. */
async function checkFlip(whole: Whole, flip: Flip): Promise<"refused" | "damaged" | "harmless"> {
	const path = copyOfDatabase(whole);
	flipBit(path, flip);
	const store = await openOrRefused(path);
	if (store === undefined) return "refused";
	const read = new Map<string, StoredDocument>();
	for (const [name, expected] of whole.corpus) {
		const stored = await exactOrRefused(store, name, expected);
		if (stored !== undefined) read.set(name, stored);
	}
	const { later, merged } = await workOn(store, read, whole.corpus);
	await store.close();
	const again = await openOrRefused(path);
	if (again === undefined) throw new Error("it opened once, and was not to be opened a second time");
	const lost = new Map<string, StoredDocument>();
	for (const [name, expected] of whole.corpus) {
		if (merged.includes(name)) {
			await sameOrRefused(again, name, expected);
			continue;
		}
		const stored = await exactOrRefused(again, name, later.get(name) ?? expected);
		const before = later.get(name);
		if (stored === undefined && before !== undefined) lost.set(name, before);
	}
	await again.close();
	if (lost.size > 0) await checkRefusedLater(whole, flip, path, lost);
	return read.size === whole.corpus.size ? "harmless" : "damaged";
}

test("[DUR5] a flipped bit in any page: each document is read exactly or refused, and nothing is written over", {
	timeout: 300_000,
}, async () => {
	const random = new Random(testSeed("flipped bits"));
	const whole = await wholeDatabase(random);
	const flips = flipsInPages(whole.path, pageBytes, random, pageStep);
	const outcomes = { refused: 0, damaged: 0, harmless: 0 };
	for (const flip of flips) {
		try {
			outcomes[await checkFlip(whole, flip)] += 1;
		} catch (cause) {
			throw new Error(`with bit ${flip.bit} of byte ${flip.offset} flipped: ${(cause as Error).message}`, {
				cause,
			});
		}
	}
	console.info(`flipped bits: ${flips.length} of them: ${JSON.stringify(outcomes)}`);
	// Otherwise the damage did not reach what the title is about.
	expect(outcomes.damaged).toBeGreaterThan(flips.length / 4);
});

test("[DUR5] a flipped bit in the list of free pages: the file is refused before a page in use is given out", async () => {
	const random = new Random(testSeed("flipped bits in the list of free pages"));
	const whole = await wholeDatabase(random);
	const bytes = readFileSync(whole.path);
	const trunk = bytes.readUInt32BE(32);
	const start = (trunk - 1) * pageBytes;
	const listed = bytes.readUInt32BE(start + 4);
	expect(listed).toBeGreaterThan(0);
	for (let round = 0; round < 30; round += 1) {
		const path = copyOfDatabase(whole);
		const inHeader = round % 5 === 0;
		const offset = inHeader ? 32 + random.below(8) : start + random.below(8 + 4 * listed);
		flipBit(path, { offset, bit: random.below(8) });
		expect(await openOrRefused(path), `byte ${offset}`).toBeUndefined();
	}
});

test("pages that another tool has freed without wiping them are no damage", async () => {
	const whole = await wholeDatabase(new Random(12));
	const path = copyOfDatabase(whole);
	tamper(path, (database) => {
		database.exec("PRAGMA secure_delete = OFF");
		change(database, "log of many rows", `DELETE FROM log WHERE id IN (SELECT id FROM rows)`);
		database.exec("DELETE FROM documents WHERE name = 'log of many rows'");
	});
	const store = await openOrRefused(path);
	if (store === undefined) throw new Error("it was refused");
	const { position } = await store.load("log of many rows");
	expect(position).toBe(0);
	const others = new Map(whole.corpus);
	others.delete("log of many rows");
	const { later } = await workOn(store, others, others);
	for (const [name, expected] of later) {
		expect(copyOf(await store.load(name)), name).toEqual(expected);
	}
});

test("[DUR5] a damaged document keeps nobody from those that are read together with it", async () => {
	const whole = await wholeDatabase(new Random(14));
	const path = copyOfDatabase(whole);
	const [damaged = "", ...others] = whole.corpus.keys();
	tamper(path, (database) => {
		database.prepare("UPDATE documents SET last_chunk = last_chunk + 1 WHERE name = ?").run(damaged);
	});
	const store = await openOrRefused(path);
	if (store === undefined) throw new Error("it was refused");
	const names = [...others, damaged, "never stored"];
	const read = await Promise.allSettled(names.map((documentName) => store.load(documentName)));
	for (const [index, documentName] of others.entries()) {
		const one = read[index];
		const position = one?.status === "fulfilled" ? one.value.position : undefined;
		expect(position, documentName).toBe(whole.corpus.get(documentName)?.position);
	}
	expect(read[others.length]).toMatchObject({ status: "rejected", reason: { name: "DamagedDocumentError" } });
	expect(read.at(-1)).toMatchObject({ status: "fulfilled", value: { position: 0 } });
});

test("[DUR3] [DUR5] a document whose page makes no sense does not hold up the others of its batch", async () => {
	const whole = await wholeDatabase(new Random(13));
	const path = copyOfDatabase(whole);
	let pages: number[] = [];
	tamper(path, (database) => {
		const leaves = "SELECT pageno FROM dbstat WHERE name = 'log' AND pagetype = 'leaf' ORDER BY path";
		pages = database
			.prepare(leaves)
			.all()
			.map(({ pageno }) => Number(pageno));
	});
	// The first byte tells the kind of the page. The last leaf is where new rows of every document go.
	flipBit(path, { offset: ((pages.at(0) ?? 0) - 1) * pageBytes, bit: 0 });
	const store = await openOrRefused(path);
	if (store === undefined) throw new Error("it was refused");
	const readable = new Set<string>();
	for (const [name, expected] of whole.corpus) {
		if ((await exactOrRefused(store, name, expected)) !== undefined) readable.add(name);
	}
	const names = [...whole.corpus.keys()];
	const updates = [new Typist().type("more")];
	const results = await store.append(names.map((documentName) => ({ documentName, updates })));
	const failed = names.filter((_, index) => results[index]?.status === "failed");
	expect(failed.length).toBeGreaterThan(0);
	for (const name of failed) expect(readable).not.toContain(name);
	for (const name of readable) {
		const expected = whole.corpus.get(name)?.position ?? 0;
		expect((await store.load(name)).position, name).toBe(expected + 1);
	}
});

const rowDamages: readonly (readonly [
	what: string,
	damage: (database: DatabaseSync, name: string) => void,
])[] = [
	[
		"the first row of the log is gone",
		(db, name) => change(db, name, `DELETE FROM log WHERE id = (SELECT id FROM rows LIMIT 1)`),
	],
	[
		"the last row of the log is gone",
		(db, name) =>
			change(db, name, `DELETE FROM log WHERE id = (SELECT id FROM rows ORDER BY position DESC LIMIT 1)`),
	],
	[
		"a row in the middle of the log is gone",
		(db, name) => change(db, name, `DELETE FROM log WHERE id = (SELECT id FROM rows LIMIT 1 OFFSET 1)`),
	],
	[
		"all rows of the log are gone",
		(db, name) => change(db, name, `DELETE FROM log WHERE id IN (SELECT id FROM rows)`),
	],
	[
		"a row of the log has moved",
		(db, name) =>
			change(
				db,
				name,
				`UPDATE log SET position = position + 1 WHERE id = (SELECT id FROM rows ORDER BY position DESC LIMIT 1)`,
			),
	],
	[
		"a row of the log is cut off",
		(db, name) =>
			change(db, name, `UPDATE log SET data = substr(data, 1, 20) WHERE id = (SELECT id FROM rows LIMIT 1)`),
	],
	[
		"a row of the log is empty",
		(db, name) =>
			change(
				db,
				name,
				`UPDATE log SET data = zeroblob(length(data)) WHERE id = (SELECT id FROM rows LIMIT 1)`,
			),
	],
	[
		"a row of the log holds text",
		(db, name) => change(db, name, `UPDATE log SET data = 'text' WHERE id = (SELECT id FROM rows LIMIT 1)`),
	],
	[
		"the snapshot is gone",
		(db, name) => change(db, name, `DELETE FROM snapshots WHERE document = (SELECT key FROM target)`),
	],
	[
		"the snapshot claims another position",
		(db, name) =>
			change(
				db,
				name,
				`UPDATE snapshots SET position = position + 1 WHERE document = (SELECT key FROM target)`,
			),
	],
	[
		"the snapshot is cut off",
		(db, name) =>
			change(
				db,
				name,
				`UPDATE snapshots SET data = substr(data, 1, length(data) - 1) WHERE document = (SELECT key FROM target)`,
			),
	],
	[
		"the snapshot is packed in an unknown way",
		(db, name) =>
			change(db, name, `UPDATE snapshots SET codec = 9 WHERE document = (SELECT key FROM target)`),
	],
	[
		"the snapshot's codec is the wrong one",
		(db, name) =>
			change(db, name, `UPDATE snapshots SET codec = 1 - codec WHERE document = (SELECT key FROM target)`),
	],
	[
		"the name is gone",
		(db, name) => change(db, name, `DELETE FROM documents WHERE key = (SELECT key FROM target)`),
	],
	[
		"the name is another",
		(db, name) =>
			change(db, name, `UPDATE documents SET name = 'other' WHERE key = (SELECT key FROM target)`),
	],
	[
		"snapshot and log are gone",
		(db, name) => {
			change(db, name, `DELETE FROM log WHERE id IN (SELECT id FROM rows)`);
			change(db, name, `DELETE FROM snapshots WHERE document = (SELECT key FROM target)`);
		},
	],
];

/** Runs a change with `target` (the document's row) and `rows` (its log rows, in order) at hand. */
function change(database: DatabaseSync, name: string, statement: string): void {
	const { key } =
		database.prepare("SELECT CAST(key AS TEXT) AS key FROM documents WHERE name = ?").get(name) ?? {};
	const { changes } = database
		.prepare(
			`WITH target AS (SELECT ${key} AS key),
				rows AS (SELECT id, position FROM log WHERE document = ${key} ORDER BY position)
			${statement}`,
		)
		.run();
	if (Number(changes) === 0) throw new Error(`it changed nothing: ${statement}`);
}

test.each(rowDamages)(
	"[DUR5] %s: the document is refused and left as it is, the others work",
	async (_, damage) => {
		const whole = await wholeDatabase(new Random(11));
		const path = copyOfDatabase(whole);
		const name = "snapshot and many rows";
		tamper(path, (database) => damage(database, name));
		const store = await openOrRefused(path);
		if (store === undefined) throw new Error("one bad row is no reason to refuse the file");
		const others = new Map(whole.corpus);
		others.delete(name);
		await expect(store.load(name)).rejects.toThrow(DamagedDocumentError);
		const { later, merged } = await workOn(store, others, whole.corpus);
		expect(merged).toEqual([]);
		for (const [other, expected] of later) expect(copyOf(await store.load(other)), other).toEqual(expected);
		await expect(store.load(name)).rejects.toThrow(DamagedDocumentError);
	},
);

test("[DUR5] any flipped bit in the data of a log row or a snapshot row is noticed", {
	timeout: 120_000,
}, async () => {
	const random = new Random(testSeed("flipped bits in rows"));
	const whole = await wholeDatabase(random);
	const path = copyOfDatabase(whole);
	for (const table of ["log", "snapshots"] as const) {
		for (let round = 0; round < 12; round += 1) {
			copyFileSync(whole.path, path);
			const name = random.pick(
				[...whole.corpus]
					.filter(([, { snapshot, entries }]) => (table === "log" ? entries.length > 0 : snapshot))
					.map(([key]) => key),
			);
			tamper(path, (database) => flipInRow(database, table, name, random));
			const store = await openOrRefused(path);
			await expect(store?.load(name), `${table} of ${name}`).rejects.toThrow(DamagedDocumentError);
			await store?.close();
		}
	}
});

function flipInRow(database: DatabaseSync, table: "log" | "snapshots", name: string, random: Random): void {
	const rows = database.prepare(
		`SELECT rowid AS id, data FROM ${table} WHERE document = (SELECT key FROM documents WHERE name = ?)`,
	);
	rows.setReadBigInts(true);
	const { id, data } = random.pick(rows.all(name));
	if (!(data instanceof Uint8Array) || typeof id !== "bigint") throw new Error("no such row");
	const at = random.below(data.byteLength);
	data[at] = (data[at] ?? 0) ^ (1 << random.below(8));
	database.prepare(`UPDATE ${table} SET data = ? WHERE rowid = ?`).run(data, id);
}
