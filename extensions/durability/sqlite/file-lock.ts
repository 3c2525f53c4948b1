import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { StoreConfigurationError, StoreUnavailableError } from "../store.ts";
import { NamedFiles } from "./named-files.ts";
import { giveToFolderOwner } from "./owner.ts";
import { errorCode, isBusy, isForbidden, isNoDatabase } from "./sqlite-error.ts";

/** How long a process that is just ending may still hold the lock, in ms. */
const patienceMs = 500;

/**
 * At most one store at a time on a database file, in this process or any other.
 *
 * SQLite's own locks would let two processes take turns in writing, and each would give out the same positions. So a
 * store holds a write transaction open on a small database beside it. That is a lock of the operating system: it
 * vanishes with its process, however that ends. Others can still read there who holds it.
 */
export class FileLock {
	readonly #database: DatabaseSync;
	readonly #file: NamedFiles;

	private constructor(database: DatabaseSync, path: string) {
		this.#database = database;
		this.#file = new NamedFiles([path]);
	}

	/**
	 * @throws {StoreConfigurationError} when somebody else holds it, or it can't be taken at all.
	 * @throws {StoreUnavailableError} when the disk is full or fails.
	 */
	static acquire(databasePath: string): FileLock {
		const path = `${databasePath}-lock`;
		let database: DatabaseSync | undefined;
		try {
			database = new DatabaseSync(path, { timeout: patienceMs });
			hold(database);
			giveToFolderOwner(path);
			return new FileLock(database, path);
		} catch (error) {
			const refusal = isBusy(error) ? inUse(databasePath, holderOf(database)) : unusable(path, error);
			if (database?.isOpen) database.close();
			throw refusal;
		}
	}

	/** Whether its file was removed, as somebody may who takes it for a leftover: then it keeps nobody out any more. */
	get isLost(): boolean {
		return !this.#file.areTheSame;
	}

	release(): void {
		this.#database.close();
	}
}

/**
 * Signs, and keeps the write lock. Signing needs a commit, which lets go of the lock for a moment; so look who has signed
 * once it is held for good.
 */
function hold(database: DatabaseSync): void {
	const token = randomUUID();
	for (;;) {
		database.exec("BEGIN IMMEDIATE");
		database.exec("CREATE TABLE IF NOT EXISTS holder (token TEXT, pid INTEGER, host TEXT, since TEXT)");
		if (database.prepare("SELECT 1 FROM holder WHERE token = ?").get(token) !== undefined) return;
		database.exec("DELETE FROM holder");
		database
			.prepare("INSERT INTO holder VALUES (?, ?, ?, ?)")
			.run(token, process.pid, hostname(), new Date().toISOString());
		database.exec("COMMIT");
	}
}

function holderOf(database: DatabaseSync | undefined): string {
	try {
		const row = database?.prepare("SELECT pid, host, since FROM holder").get();
		if (row !== undefined) return `process ${row.pid} on ${row.host} since ${row.since}`;
	} catch {
		// The holder is writing its name this very moment.
	}
	return "another process";
}

function inUse(databasePath: string, holder: string): StoreConfigurationError {
	return new StoreConfigurationError(
		`${databasePath} is in use by ${holder}. Stop that one first, or give this one another data folder.`,
	);
}

/** A full or failing disk may pass; a file that is no lock, or that may not be written, will not. */
function unusable(path: string, cause: unknown): StoreConfigurationError | StoreUnavailableError {
	const code = errorCode(cause) ?? "no code";
	const text = `the lock file ${path} can't be used: ${cause instanceof Error ? cause.message : String(cause)}`;
	if (isNoDatabase(cause)) {
		return new StoreConfigurationError(`${text} (${code}). It is no lock file: remove it.`, { cause });
	}
	if (isForbidden(cause)) {
		return new StoreConfigurationError(
			`${text} (${code}). The folder and the file must be writable for this process.`,
			{ cause },
		);
	}
	return new StoreUnavailableError(text, { code, cause });
}
