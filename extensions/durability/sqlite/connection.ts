import { existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StoreConfigurationError } from "../store.ts";
import { checkFreePages } from "./free-pages.ts";
import type { WorkerSettings } from "./messages.ts";
import { checkSchema, pageBytes, pragma, schemaVersion } from "./schema.ts";
import { errorCode, isForbidden, isNoDatabase, leavesConnectionSound } from "./sqlite-error.ts";

/** How long to wait for a lock that somebody else's tool holds (a backup, the sqlite3 shell), in ms. */
const busyTimeoutMs = 2000;
/** The log file is cut back to this after it has grown, in bytes. */
const walBytesKept = 16 * 1024 * 1024;

/**
 * Opens the connection that writes.
 *
 * `synchronous = FULL` syncs the write-ahead log at each commit, which is what makes it durable [DUR1]; `fullfsync` makes
 * macOS do so down to the medium. `secure_delete` wipes what is deleted: see {@link ./free-pages.ts}, and compaction means
 * it when it drops deleted content. Checkpoints are run by {@link ./sqlite-store.ts} and not inside a commit.
 */
export function openForWriting({ path, fileBytesMax }: WorkerSettings): DatabaseSync {
	return open(path, false, (database) => {
		database.exec(`
			PRAGMA fullfsync = ON;
			PRAGMA checkpoint_fullfsync = ON;
			PRAGMA synchronous = FULL;
			PRAGMA wal_autocheckpoint = 0;
			PRAGMA journal_size_limit = ${walBytesKept};
			PRAGMA cache_size = -16000;
			PRAGMA temp_store = MEMORY;
			PRAGMA secure_delete = ON;
		`);
		const mode = pragma(database, "journal_mode = WAL");
		if (mode !== "wal") {
			throw new StoreConfigurationError(
				`${path} can't be used with a write-ahead log (journal mode ${mode}). Its folder must be on a local disk.`,
			);
		}
		checkWritable(database, path);
		checkFreePages(database, path);
		if (fileBytesMax !== undefined) {
			database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(fileBytesMax / pageBytes))}`);
		}
	});
}

/**
 * Begins to write, and leaves it at that.
 *
 * SQLite opens a file that it may not write for reading, and says so at the first write only. And a file that is longer
 * than its header says has a damaged header: its last pages are in use, and SQLite would give them out anew.
 */
function checkWritable(database: DatabaseSync, path: string): void {
	database.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${schemaVersion}`);
	const knownBytes = Number(pragma(database, "page_count")) * Number(pragma(database, "page_size"));
	const { size } = statSync(path);
	database.exec("ROLLBACK");
	if (size > knownBytes) {
		throw new StoreConfigurationError(
			`${path} has ${size} bytes, and its header knows of ${knownBytes}: it is damaged. Restore it from a backup.`,
		);
	}
}

/** Opens a connection for reading alone. */
export function openForReading({ path }: WorkerSettings): DatabaseSync {
	return open(path, true, (database) => database.exec("PRAGMA cache_size = -8000"));
}

/** Opens a connection that runs checkpoints while the writer goes on. */
export function openForCheckpoints({ path }: WorkerSettings): DatabaseSync {
	return open(path, false, (database) => {
		database.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA checkpoint_fullfsync = ON");
	});
}

function open(path: string, readOnly: boolean, setUp: (database: DatabaseSync) => void): DatabaseSync {
	// SQLite would make a new one, and take it for the old.
	if (!existsSync(path)) throw new Error(`the database ${path} is gone`);
	let database: DatabaseSync | undefined;
	try {
		database = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs });
		// Finds out that a page makes no sense before it acts on it.
		database.exec("PRAGMA cell_size_check = ON");
		checkSchema(database, path);
		setUp(database);
		return database;
	} catch (error) {
		if (database?.isOpen) database.close();
		throw explain(path, error);
	}
}

function explain(path: string, error: unknown): unknown {
	const text = `${error instanceof Error ? error.message : String(error)} (${errorCode(error) ?? "no code"})`;
	if (isNoDatabase(error)) {
		return new StoreConfigurationError(
			`${path} is damaged or no database: ${text}. Restore it from a backup.`,
			{
				cause: error,
			},
		);
	}
	if (isForbidden(error)) {
		return new StoreConfigurationError(
			`${path} can't be opened for writing: ${text}. The file and its folder must be writable for this process.`,
			{ cause: error },
		);
	}
	return error;
}

/** Runs `work` in a write transaction; whatever it throws, nothing of it stays. */
export function inTransaction<T>(
	database: DatabaseSync,
	begin: "BEGIN" | "BEGIN IMMEDIATE",
	work: () => T,
): T {
	database.exec(begin);
	try {
		const result = work();
		database.exec("COMMIT");
		return result;
	} catch (error) {
		rollBack(database);
		throw error;
	}
}

function rollBack(database: DatabaseSync): void {
	try {
		database.exec("ROLLBACK");
	} catch {
		// SQLite has rolled it back already, or the connection is beyond use and gets replaced.
	}
}

/**
 * A connection that is opened when it is first needed and again after an error that may have spoiled it.
 * @typeParam T What works on the connection; made anew with it.
 */
export class Reopening<T> {
	readonly #open: () => DatabaseSync;
	readonly #prepare: (database: DatabaseSync) => T;
	#current: { readonly database: DatabaseSync; readonly prepared: T } | undefined;

	constructor(open: () => DatabaseSync, prepare: (database: DatabaseSync) => T) {
		this.#open = open;
		this.#prepare = prepare;
	}

	use<R>(work: (prepared: T, database: DatabaseSync) => R): R {
		const { prepared, database } = this.#get();
		try {
			return work(prepared, database);
		} catch (error) {
			if (!leavesConnectionSound(error)) this.close();
			throw error;
		}
	}

	get isOpen(): boolean {
		return this.#current !== undefined;
	}

	close(): void {
		const current = this.#current;
		this.#current = undefined;
		if (current?.database.isOpen) current.database.close();
	}

	#get(): { readonly database: DatabaseSync; readonly prepared: T } {
		if (this.#current === undefined) {
			const database = this.#open();
			this.#current = { database, prepared: this.#prepare(database) };
		}
		return this.#current;
	}
}
