import type { SnapshotRecord } from "../storage/snapshot-record.ts";
import type { WireError } from "../storage/wire-error.ts";
import type { CatalogueQuery, DocumentPage } from "../store.ts";

/** What the main thread and the two workers of the SQLite store say to each other. */

/** What a worker needs to open its connection, at its start and again after a failure. */
export interface WorkerSettings {
	readonly path: string;
	/** The database file grows to this and no further; `undefined` for no bound. */
	readonly fileBytesMax: number | undefined;
}

/** One request of a batch. */
export interface PackedRequest {
	readonly documentName: string;
	/** Framed updates. */
	readonly payload: Uint8Array;
}

export interface AppendOutcome {
	/** For each request the entry's position, or 0 when it failed. */
	readonly positions: readonly number[];
	readonly failures: readonly { readonly index: number; readonly error: WireError }[];
}

/** Of the entry that a batch of a single request became: most batches of a quiet node are that, and a number is the cheapest answer. */
export type LonePosition = number;

/** A stored document, with the payloads of its log entries end to end. */
export interface PackedDocument {
	readonly snapshot: { readonly position: number; readonly update: Uint8Array } | undefined;
	/** Position of the first log entry. */
	readonly firstPosition: number;
	/** For each log entry the end of its framed updates in `payloads`. */
	readonly ends: readonly number[];
	readonly payloads: Uint8Array;
}

/** What came of reading one document of several. */
export type Loaded =
	| { readonly status: "done"; readonly document: PackedDocument }
	| { readonly status: "failed"; readonly error: WireError };

/** What came of a merge; `undefined` in its place means that there was nothing to merge. */
export interface Merged {
	/** Position of the snapshot that was merged; 0 without one. */
	readonly basis: number;
	readonly entriesMerged: number;
	readonly updateBytes: number;
	readonly record: SnapshotRecord;
}

export interface Replacement {
	readonly documentName: string;
	readonly merged: Merged;
}

export interface Deletion {
	readonly documentName: string;
	/** Whether to mark the name though nothing is stored under it. */
	readonly evenIfUnknown: boolean;
}

export type DeletionOutcome = "deleted" | "deleted-before" | "unknown";

/** What the writer's connection really runs with. */
export interface SqliteDiagnostics {
	readonly sqliteVersion: string;
	readonly schemaVersion: number;
	readonly journalMode: string;
	/** 2 is `FULL`. */
	readonly synchronous: number;
	readonly pageBytes: number;
	readonly fileBytes: number;
}

export interface WriterProtocol {
	open: { ask: undefined; answer: undefined };
	/** See {@link ./packing.ts packBatch}. */
	append: { ask: Uint8Array; answer: AppendOutcome | LonePosition };
	/** Answers whether it was done: not so when the snapshot is no longer the one that was merged. */
	replace: { ask: Replacement; answer: boolean };
	delete: { ask: Deletion; answer: DeletionOutcome };
	isDeleted: { ask: string; answer: boolean };
	/** Answers whether the name was marked as deleted. */
	free: { ask: string; answer: boolean };
	checkpoint: { ask: undefined; answer: undefined };
	/** Empties the write-ahead log, if nobody reads in it. */
	wipeLog: { ask: undefined; answer: undefined };
	diagnostics: { ask: undefined; answer: SqliteDiagnostics };
	close: { ask: undefined; answer: undefined };
}

export interface ReaderProtocol {
	/** Answers for each document, in their order. */
	load: { ask: readonly string[]; answer: readonly Loaded[] };
	list: { ask: CatalogueQuery; answer: DocumentPage };
	merge: {
		ask: { readonly documentName: string; readonly gc: boolean };
		answer: { readonly position: number; readonly merged: Merged | undefined };
	};
	checkpoint: { ask: undefined; answer: undefined };
	close: { ask: undefined; answer: undefined };
}
