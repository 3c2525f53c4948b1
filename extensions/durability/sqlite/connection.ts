import { existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StoreConfigurationError, StoreUnavailableError } from "../store.ts";
import { checkFreePages } from "./free-pages.ts";
import type { WorkerSettings } from "./messages.ts";
import { NamedFiles } from "./named-files.ts";
import { checkSchema, pageBytes, pragma, schemaVersion } from "./schema.ts";
import { errorCode, isForbidden, isNoDatabase, leavesConnectionSound } from "./sqlite-error.ts";

/** How long to wait for a lock that somebody else's tool holds (a backup, the sqlite3 shell), in ms. */
export const busyTimeoutMs = 2000;
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
	checkExists(path);
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
		throw explain(path, readOnly, error);
	}
}

/** SQLite would make a new one, and take it for the old. */
export function checkExists(path: string): void {
	if (!existsSync(path)) throw new Error(`the database ${path} is gone`);
}

function explain(path: string, readOnly: boolean, error: unknown): unknown {
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
			readOnly
				? `${path} can't be opened for reading: ${text}. The file and its folder must be readable for this process; while a node has it, -shm beside it as well.`
				: `${path} can't be opened for writing: ${text}. The file and its folder must be writable for this process.`,
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

/** Not closed: the last connection to a database removes the log by its name, and that may be another's by now. */
const abandoned: DatabaseSync[] = [];
const abandonedMax = 10;

interface Current<T> {
	readonly database: DatabaseSync;
	readonly prepared: T;
	readonly files: NamedFiles;
}

/**
 * A connection that is opened when it is first needed and again after an error that may have spoiled it.
 * @typeParam T What works on the connection; made anew with it.
 */
export class Reopening<T> {
	readonly #path: string;
	readonly #open: () => DatabaseSync;
	readonly #prepare: (database: DatabaseSync) => T;
	#current: Current<T> | undefined;

	/** @param path The database's. */
	constructor(path: string, open: () => DatabaseSync, prepare: (database: DatabaseSync) => T) {
		this.#path = path;
		this.#open = open;
		this.#prepare = prepare;
	}

	/** @throws {StoreUnavailableError} also when the work was done, but on files that are not those at the path any more [DUR1]. */
	use<R>(work: (prepared: T, database: DatabaseSync) => R): R {
		const { prepared, database, files } = this.#get();
		let result: R;
		try {
			result = work(prepared, database);
		} catch (error) {
			if (!files.areTheSame) throw this.#lost();
			if (!leavesConnectionSound(error)) this.close();
			throw error;
		}
		if (!files.areTheSame) throw this.#lost();
		return result;
	}

	get isOpen(): boolean {
		return this.#current !== undefined;
	}

	close(): void {
		const current = this.#current;
		this.#current = undefined;
		if (current?.database.isOpen) current.database.close();
	}

	/** Lets go of a connection whose files are not its own any more; the next one is to those that are at the path then. */
	abandon(): void {
		const current = this.#current;
		if (current === undefined) return;
		this.#current = undefined;
		abandoned.push(current.database);
		if (abandoned.length > abandonedMax) abandoned.shift()?.close();
		try {
			// It may be only the log that lost its name, and with it what was to go into the database.
			current.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
		} catch {
			// What it holds was reported as durable while it could be found.
		}
	}

	#lost(): StoreUnavailableError {
		this.abandon();
		return new StoreUnavailableError(
			`${this.#path} or its write-ahead log was removed, replaced or moved while it was open (SQLITE_READONLY_DBMOVED)`,
			{ code: "SQLITE_READONLY_DBMOVED" },
		);
	}

	#get(): Current<T> {
		if (this.#current === undefined) {
			const database = this.#open();
			const prepared = this.#prepare(database);
			this.#current = { database, prepared, files: new NamedFiles([this.#path, `${this.#path}-wal`]) };
		}
		return this.#current;
	}
}
