import { closeSync, openSync, readSync, renameSync, rmSync, type Stats, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreConfigurationError } from "../store.ts";
import { syncFolder } from "./database-path.ts";
import { isMountedAlone } from "./lone-mount.ts";
import { giveToFolderOwner } from "./owner.ts";
import { createSchema } from "./schema.ts";

const magic = "SQLite format 3\0";

/**
 * Makes sure that there is a store's database at `path`, or that nothing was there and it is made now.
 *
 * A new one is made under another name and then renamed, so a file at `path` is never empty or half made. An empty one
 * is therefore a damaged one, and must not be taken for a new store that knows no documents.
 * @throws {StoreConfigurationError}
 */
export function prepare(path: string): void {
	const stats = statSync(path, { throwIfNoEntry: false });
	if (stats !== undefined) {
		checkFile(path, stats);
		return;
	}
	const left = statSync(`${path}-wal`, { throwIfNoEntry: false });
	if (left !== undefined && left.size > 0) {
		throw new StoreConfigurationError(
			`${path} is missing, but ${basename(path)}-wal beside it holds data. Put the file back; to begin anew, move ` +
				"the other one away.",
		);
	}
	create(path);
}

function checkFile(path: string, stats: Stats): void {
	if (!stats.isFile()) throw new StoreConfigurationError(`${path} is no file. Give the path of one.`);
	if (isMountedAlone(path)) {
		throw new StoreConfigurationError(
			`${path} is mounted without its folder, so that the write-ahead log beside it, which holds what was written last, ` +
				"is not where the file is. Mount the folder.",
		);
	}
	if (stats.size === 0) {
		throw new StoreConfigurationError(
			`${path} is empty, which a store never is: it was damaged. Restore it from a backup; to begin anew, remove it.`,
		);
	}
	let head: string;
	try {
		head = readHead(path);
	} catch (cause) {
		throw new StoreConfigurationError(`${path} can't be read: ${(cause as Error).message}.`, { cause });
	}
	if (head !== magic) {
		throw new StoreConfigurationError(
			`${path} is no SQLite database, or it is damaged. Give another path, or restore it from a backup.`,
		);
	}
}

function readHead(path: string): string {
	const file = openSync(path, "r");
	try {
		const head = Buffer.alloc(magic.length);
		readSync(file, head, 0, head.length, 0);
		return head.toString("latin1");
	} finally {
		closeSync(file);
	}
}

function create(path: string): void {
	const unfinished = `${path}-new`;
	for (const left of [unfinished, `${unfinished}-journal`]) rmSync(left, { force: true });
	const database = new DatabaseSync(unfinished);
	try {
		createSchema(database);
	} finally {
		database.close();
	}
	giveToFolderOwner(unfinished);
	renameSync(unfinished, path);
	syncFolder(dirname(path));
}
