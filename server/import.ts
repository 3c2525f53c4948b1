import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import * as Y from "yjs";
import {
	DamagedDocumentError,
	DocumentDeletedError,
	type Store,
	type StoredDocument,
} from "../extensions/durability/store.ts";
import { isDocumentNameAllowed } from "../extensions/limits/document-name.ts";
import { documentOf, faultOf } from "./stored-state.ts";
import { UserError } from "./user-error.ts";

export interface ImportOptions {
	/** The file that `@hocuspocus/extension-sqlite` wrote. It is only read. */
	readonly from: string;
	/** Where the documents go. It must be open; nodes that share it hear of what is imported. */
	readonly store: Store;
	/** Documents with longer names are refused, as the node would not open them; in bytes of UTF-8, 1024 by default. */
	readonly documentNameBytesMax?: number;
	/** Called after each document. */
	readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportProgress {
	/** Documents looked at so far. */
	readonly done: number;
	/** Documents in the file. */
	readonly total: number;
	readonly documentName: string;
	readonly outcome: ImportOutcome;
}

export type ImportOutcome =
	/** It was not in the store. */
	| { readonly status: "imported" }
	/** It was in the store, and the file knew something more. */
	| { readonly status: "merged" }
	/** The file knew nothing that the store did not. */
	| { readonly status: "unchanged" }
	/** It was left out. The problem reads on after the document's name. */
	| { readonly status: "refused"; readonly problem: string };

export interface ImportResult {
	readonly imported: number;
	readonly merged: number;
	readonly unchanged: number;
	/** What was left out, in the order of the file. */
	readonly refused: readonly { readonly documentName: string; readonly problem: string }[];
}

/**
 * Takes over a database of `@hocuspocus/extension-sqlite`: a table `documents` with a row per document, `name` and `data`,
 * which is the whole document as one Yjs update (V1).
 *
 * Each document becomes a log entry; all of them are durable when this resolves. What is in the store already is
 * merged with and never replaced, and an import that is run again changes nothing. A row that can't be right is left
 * out and reported.
 * @throws {UserError} when the file is missing, no such database, or can't be read.
 * @throws {StoreUnavailableError} when the store can't be written; run it again once it can.
 */
export async function importStockDatabase({
	from,
	store,
	documentNameBytesMax = 1024,
	onProgress,
}: ImportOptions): Promise<ImportResult> {
	const counts = { imported: 0, merged: 0, unchanged: 0 };
	const refused: { documentName: string; problem: string }[] = [];
	const source = openSource(from);
	try {
		const total = countRows(source);
		let done = 0;
		for (const row of rowsOf(source)) {
			const documentName = String(row.name);
			const outcome = await importRow(row, store, documentNameBytesMax);
			if (outcome.status === "refused") refused.push({ documentName, problem: outcome.problem });
			else counts[outcome.status] += 1;
			done += 1;
			onProgress?.({ done, total, documentName, outcome });
		}
	} finally {
		source.database.close();
	}
	return { ...counts, refused };
}

/**
 * Looks whether there is such a database, before a store is made for its documents.
 * @throws {UserError} as {@link importStockDatabase} does.
 */
export function checkStockDatabase(path: string): void {
	openSource(path).database.close();
}

interface Source {
	readonly path: string;
	readonly database: DatabaseSync;
}

interface Row {
	readonly name: unknown;
	/** An error when SQLite can't read it. */
	readonly data: unknown;
}

function openSource(path: string): Source {
	if (!existsSync(path)) throw new UserError(`${path} does not exist`);
	let database: DatabaseSync | undefined;
	try {
		database = new DatabaseSync(path, { readOnly: true, timeout: 2_000 });
		const columns = database.prepare("SELECT name FROM pragma_table_info('documents')").all();
		const names = new Set(columns.map(({ name }) => name));
		if (names.has("name") && names.has("data")) return { path, database };
		if (names.has("name") && names.has("key"))
			throw new UserError(
				`${path} is a database of Indelible's own: a backup is restored by putting it in the place of the node's (docs/operations.md), and one document is taken out of it by indelible export --from`,
			);
	} catch (cause) {
		database?.close();
		if (cause instanceof UserError) throw cause;
		if ((cause as Error).message === "file is not a database")
			throw new UserError(
				`${path} is no SQLite database; a document that \`indelible export\` has written goes with --document <name>`,
				{ cause },
			);
		throw unreadable(path, cause);
	}
	database.close();
	throw new UserError(
		`${path} was not written by @hocuspocus/extension-sqlite: it has no table documents with name and data`,
	);
}

function unreadable(path: string, cause: unknown): UserError {
	return new UserError(`${path} can't be read: ${(cause as Error).message}`, { cause });
}

function countRows({ path, database }: Source): number {
	try {
		return Number(database.prepare("SELECT count(*) AS total FROM documents").get()?.total);
	} catch (cause) {
		throw unreadable(path, cause);
	}
}

/**
 * One row at a time, in the order in which they were first stored. Each is found anew by its rowid, so that a stock
 * server may write to the file meanwhile; and its data is read by itself, so that damage to it is its own.
 */
function* rowsOf({ path, database }: Source): Generator<Row> {
	const nextName = database.prepare(
		"SELECT rowid AS id, name FROM documents WHERE rowid > ? ORDER BY rowid LIMIT 1",
	);
	const dataOf = database.prepare("SELECT data FROM documents WHERE rowid = ?");
	let id = Number.MIN_SAFE_INTEGER;
	for (;;) {
		const found = attempt(() => nextName.get(id));
		if (found instanceof Error) throw unreadable(path, found);
		if (found === undefined) return;
		id = Number(found.id);
		const data = attempt(() => dataOf.get(id)?.data);
		yield { name: found.name, data };
	}
}

function attempt<T>(read: () => T): T | Error {
	try {
		return read();
	} catch (error) {
		return error as Error;
	}
}

async function importRow({ name, data }: Row, store: Store, nameBytesMax: number): Promise<ImportOutcome> {
	if (typeof name !== "string") return refuse("its name is no text");
	if (name === "") return refuse("its name is empty");
	if (!name.isWellFormed()) return refuse("its name is no valid Unicode");
	if (!isDocumentNameAllowed(name, undefined)) return refuse("its name has control characters");
	if (Buffer.byteLength(name) > nameBytesMax) return refuse(`its name is longer than ${nameBytesMax} bytes`);
	if (data instanceof Error) return refuse(`its data can't be read: ${data.message}`);
	if (!(data instanceof Uint8Array)) return refuse("its data is no blob");
	const fault = faultOf(data);
	return fault === undefined ? merge(name, data, store) : refuse(`its data ${fault}`);
}

function refuse(problem: string): ImportOutcome {
	return { status: "refused", problem };
}

/** Adds an update (V1) that can be right to what is stored. */
export async function merge(documentName: string, update: Uint8Array, store: Store): Promise<ImportOutcome> {
	let stored: StoredDocument;
	try {
		stored = await store.load(documentName);
	} catch (error) {
		if (error instanceof DamagedDocumentError)
			return refuse(`the store has it already, and ${error.message}`);
		if (error instanceof DocumentDeletedError) return refuse(wasDeleted(documentName));
		throw error;
	}
	if (holds(stored, update)) return { status: "unchanged" };
	const { generation } = stored;
	const [result] = await store.append([{ documentName, updates: [update], generation }]);
	if (result?.status === "deleted") return refuse(wasDeleted(documentName));
	if (result?.status !== "durable") return refuse(`it can't be stored: ${result?.error.message}`);
	// Nodes that hear each other through Redis do not listen to the store, unless somebody who follows it speaks.
	store.follow?.announce([documentName], true);
	return { status: stored.position === 0 ? "imported" : "merged" };
}

function wasDeleted(documentName: string): string {
	return `a document of this name was deleted. To have the name used again: indelible delete --free ${JSON.stringify(documentName)}`;
}

/** Whether an update adds nothing to what is stored. What still waits for missing updates counts, too. */
function holds(stored: StoredDocument, update: Uint8Array): boolean {
	const document = documentOf(stored);
	const before = Y.encodeStateAsUpdate(document);
	Y.applyUpdate(document, update);
	return Buffer.compare(before, Y.encodeStateAsUpdate(document)) === 0;
}
