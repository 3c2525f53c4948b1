import type { SnapshotRecord } from "./snapshot-record.ts";
import type { WireError } from "./wire-error.ts";

/** What the store's main thread and its two workers say to each other. Bytes are transferred, not copied. */

/** What a worker needs to open its connection, at its start and again after a failure. */
export interface WorkerSettings {
	readonly path: string;
	/** The database file grows to this and no further; `undefined` for no bound. */
	readonly fileBytesMax: number | undefined;
}

/** One question kind of a worker: what is asked with it, and what is answered. */
export interface Exchange {
	readonly ask: unknown;
	readonly answer: unknown;
}
/** A worker's question kinds by name. */
export type Protocol<P> = { readonly [K in keyof P]: Exchange };

export interface Question<P extends Protocol<P>, K extends keyof P = keyof P> {
	readonly id: number;
	readonly kind: K;
	readonly ask: P[K]["ask"];
}

export type Reply<P extends Protocol<P>, K extends keyof P = keyof P> =
	| { readonly id: number; readonly status: "done"; readonly answer: P[K]["answer"] }
	| { readonly id: number; readonly status: "failed"; readonly error: WireError };

/** A batch, with the payloads end to end in one buffer: a message of few objects is a cheap message. */
export interface PackedBatch {
	readonly documentNames: readonly string[];
	/** For each document the end of its framed updates in `payloads`. */
	readonly ends: readonly number[];
	readonly payloads: Uint8Array;
}

export interface AppendOutcome {
	/** For each request the entry's position, or 0 when it failed. */
	readonly positions: readonly number[];
	readonly failures: readonly { readonly index: number; readonly error: WireError }[];
}

/** A stored document, with the payloads of its log entries end to end. */
export interface PackedDocument {
	readonly snapshot: { readonly position: number; readonly update: Uint8Array } | undefined;
	/** Position of the first log entry. */
	readonly firstPosition: number;
	/** For each log entry the end of its framed updates in `payloads`. */
	readonly ends: readonly number[];
	readonly payloads: Uint8Array;
}

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
	append: { ask: PackedBatch; answer: AppendOutcome };
	/** Answers whether it was done: not so when the snapshot is no longer the one that was merged. */
	replace: { ask: Replacement; answer: boolean };
	checkpoint: { ask: undefined; answer: undefined };
	diagnostics: { ask: undefined; answer: SqliteDiagnostics };
	close: { ask: undefined; answer: undefined };
}

export interface ReaderProtocol {
	load: { ask: string; answer: PackedDocument };
	merge: {
		ask: { readonly documentName: string; readonly gc: boolean };
		answer: { readonly position: number; readonly merged: Merged | undefined };
	};
	checkpoint: { ask: undefined; answer: undefined };
	close: { ask: undefined; answer: undefined };
}
