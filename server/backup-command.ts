import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { errorCode, isDamage, sqliteSays } from "../extensions/durability/sqlite/sqlite-error.ts";
import { StoredDocuments } from "../extensions/durability/sqlite/stored-documents.ts";
import { DamagedDocumentError } from "../extensions/durability/store.ts";
import type { Configuration } from "./configuration.ts";
import { UserError, unwritable } from "./user-error.ts";

/**
 * `indelible backup`: copies the SQLite database, also while a node writes to it, and reads the copy back.
 * @returns The exit code: 1 when a document does not read back. The copy is there all the same.
 */
export async function backupCommand(to: string, { settings }: Configuration): Promise<number> {
	if (settings.databaseUrl !== undefined) {
		throw new UserError(
			"documents are in Postgres, which has its own tools: pg_dump --schema=indelible. See docs/operations.md",
		);
	}
	const source = join(settings.data, "indelible.sqlite");
	if (!existsSync(source)) throw new UserError(`there is no database at ${resolve(source)}`);
	if (existsSync(to)) throw new UserError(`${to} is there already; a backup replaces nothing`);
	const damaged = writeCopy(source, to);
	for (const { documentName, message } of damaged)
		console.error(`indelible: ${JSON.stringify(documentName)}: ${message}`);
	return damaged.length === 0 ? 0 : 1;
}

/** Under its name there is never half a copy. */
function writeCopy(source: string, to: string): DamagedDocumentError[] {
	const unfinished = `${to}-unfinished`;
	try {
		rmSync(unfinished, { force: true });
		const documents = new StoredDocuments(source);
		try {
			documents.copyTo(unfinished);
		} finally {
			documents.close();
		}
		const { total, damaged } = readBack(unfinished);
		sync(unfinished, "r+");
		renameSync(unfinished, to);
		if (process.platform !== "win32") sync(dirname(resolve(to)), "r");
		const mib = (statSync(to).size / 2 ** 20).toFixed(1);
		const state =
			damaged.length === 0 ? "all of them read back" : `${damaged.length} are damaged, as in the database`;
		console.log(`${total} documents, ${mib} MiB, in ${to}; ${state}.`);
		return damaged;
	} catch (error) {
		throw explain(error, source, to);
	} finally {
		if (existsSync(unfinished)) rmSync(unfinished);
	}
}

function explain(error: unknown, source: string, to: string): unknown {
	if (isDamage(error)) {
		const way = "docs/operations.md, When a document is damaged, says how to save what is left";
		return new UserError(`${source} is damaged, and was not copied. ${sqliteSays(error)}; ${way}`, {
			cause: error,
		});
	}
	return errorCode(error) === undefined ? error : unwritable(to, error);
}

function readBack(path: string): { readonly total: number; readonly damaged: DamagedDocumentError[] } {
	const copy = new StoredDocuments(path);
	const damaged: DamagedDocumentError[] = [];
	let total = 0;
	try {
		for (const name of copy.names()) {
			total += 1;
			try {
				copy.load(name);
			} catch (error) {
				if (!(error instanceof DamagedDocumentError)) throw error;
				damaged.push(error);
			}
		}
	} finally {
		copy.close();
	}
	return { total, damaged };
}

function sync(path: string, flags: string): void {
	const handle = openSync(path, flags);
	try {
		fsyncSync(handle);
	} finally {
		closeSync(handle);
	}
}
