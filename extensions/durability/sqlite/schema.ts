import type { DatabaseSync } from "node:sqlite";
import { StoreConfigurationError } from "../store.ts";

/** Stands in `PRAGMA user_version`. */
export const schemaVersion = 1;
/** Stands in `PRAGMA application_id`, so that somebody else's database is not taken for ours: "InDL". */
const applicationId = 0x49_6e_44_4c;

/**
 * Bytes passed to write() and CPU per keystroke, each keystroke a commit of its own, appended to S3 (a document of
 * 607 kB) in a database with 200 others, checkpoints included; measured with `bench/store-layout.ts`:
 *
 * | page | row per entry, key (document, position), no rowid | chunk of ≤ 4096 bytes, written in place |
 * | ---: | ---: | ---: |
 * |  512 | 1371 B |  650 B |
 * | 1024 | 2233 B | 1177 B |
 * | 4096 | 5735 B | 4358 B |
 *
 * One page in the write-ahead log is 24 bytes and the page, so 536 is the least that SQLite can do. CPU hardly differs
 * (56 to 70 µs, nearly all of it in fsync). What small pages cost: a snapshot of 293 kB is written in 2.5 ms instead of
 * 0.8 and read in 0.4 ms instead of 0.2, both of them in worker threads.
 */
export const pageBytes = 512;

/**
 * - `documents`: which documents there are. Each has a snapshot or a log; `last_chunk` is the `position` of the log's
 *   last row, or 0 without one. So when damage makes rows vanish, that is noticed.
 * - `log`: see {@link ./log-chunk.ts}. `position` is that of the chunk's first entry. A rowid of its own, and not
 *   (document, position), so that new rows go to the end of the table, where SQLite splits pages cheaply.
 */
const objects = [
	"CREATE TABLE documents (key INTEGER PRIMARY KEY, last_chunk INTEGER NOT NULL, name TEXT NOT NULL)",
	"CREATE TABLE snapshots (document INTEGER PRIMARY KEY, position INTEGER NOT NULL, codec INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL)",
	"CREATE TABLE log (id INTEGER PRIMARY KEY, document INTEGER NOT NULL, position INTEGER NOT NULL, data BLOB NOT NULL)",
	"CREATE UNIQUE INDEX log_by_position ON log (document, position)",
] as const;

/** Makes an empty database a store. */
export function createSchema(database: DatabaseSync): void {
	database.exec(`
		PRAGMA page_size = ${pageBytes};
		PRAGMA application_id = ${applicationId};
		BEGIN;
		${objects.join(";\n")};
		PRAGMA user_version = ${schemaVersion};
		COMMIT;
	`);
}

/** @throws {StoreConfigurationError} when the database is not a store that this version can use. */
export function checkSchema(database: DatabaseSync, path: string): void {
	if (pragma(database, "application_id") !== applicationId) {
		throw new StoreConfigurationError(
			`${path} is an SQLite database, but not one of Indelible. Give another path; if it was written by ` +
				"@hocuspocus/extension-sqlite, take it over with `indelible import`.",
		);
	}
	const found = pragma(database, "user_version");
	if (found !== schemaVersion) {
		throw new StoreConfigurationError(
			`${path} has schema version ${found}, and this version of Indelible knows ${schemaVersion}. ` +
				"It was written by a newer version: use that one.",
		);
	}
	checkObjects(database, path);
}

/** @throws {StoreConfigurationError} when tables are missing or changed: by damage, or by somebody's hand. */
function checkObjects(database: DatabaseSync, path: string): void {
	const found = new Set(
		database
			.prepare("SELECT sql FROM sqlite_schema")
			.all()
			.map(({ sql }) => sql),
	);
	if (objects.every((object) => found.has(object))) return;
	throw new StoreConfigurationError(
		`the tables in ${path} are not those of schema version ${schemaVersion}: it was damaged or changed. Restore it ` +
			"from a backup.",
	);
}

/** The value of a pragma that has a single one. */
export function pragma(database: DatabaseSync, name: string): unknown {
	const row = database.prepare(`PRAGMA ${name}`).get();
	return row === undefined ? undefined : Object.values(row)[0];
}
