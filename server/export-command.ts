import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { StoredDocuments } from "../extensions/durability/sqlite/stored-documents.ts";
import type { StoredDocument } from "../extensions/durability/store.ts";
import type { Configuration } from "./configuration.ts";
import { documentStore } from "./document-store.ts";
import { databaseFile } from "./stored-catalogue.ts";
import { stateOf } from "./stored-state.ts";
import { UserError, unwritable } from "./user-error.ts";

export interface ExportOptions {
	readonly documentName: string;
	/** Where the document goes, as one Yjs update (V1). Nothing is replaced there. */
	readonly output: string;
	/** A backup of an SQLite database, to take it from; otherwise it is what the settings name. */
	readonly from?: string | undefined;
}

/**
 * `indelible export`: takes one document out, also while nodes run.
 * @throws {UserError} when there is no such document.
 * @throws {DamagedDocumentError} @throws {DocumentDeletedError}
 */
export async function exportCommand(
	{ documentName, output, from }: ExportOptions,
	{ settings }: Configuration,
): Promise<number> {
	if (existsSync(output)) throw new UserError(`${output} is there already`);
	const stored =
		from === undefined && settings.databaseUrl !== undefined
			? await fromPostgres(documentName, settings)
			: fromFile(documentName, from ?? databaseFile(settings.data));
	if (stored.position === 0) throw new UserError(`there is no document ${JSON.stringify(documentName)}`);
	const state = stateOf(stored);
	writeNew(output, state);
	console.log(`${JSON.stringify(documentName)}, ${state.byteLength} bytes, in ${output}.`);
	return 0;
}

/** All of it or nothing. */
function writeNew(output: string, state: Uint8Array): void {
	try {
		writeFileSync(output, state, { flag: "wx", flush: true });
	} catch (error) {
		// Not what somebody else has made there meanwhile.
		if ((error as NodeJS.ErrnoException).code !== "EEXIST" && existsSync(output)) rmSync(output);
		throw unwritable(output, error);
	}
}

function fromFile(documentName: string, path: string): StoredDocument {
	if (!existsSync(path)) throw new UserError(`there is no database at ${resolve(path)}`);
	if (statSync(path).isDirectory()) throw new UserError(`${path} is a folder, and no database`);
	const documents = new StoredDocuments(path);
	try {
		return documents.load(documentName);
	} finally {
		documents.close();
	}
}

async function fromPostgres(
	documentName: string,
	settings: Configuration["settings"],
): Promise<StoredDocument> {
	const store = documentStore(settings);
	await store.open();
	try {
		return await store.load(documentName);
	} finally {
		await store.close();
	}
}
