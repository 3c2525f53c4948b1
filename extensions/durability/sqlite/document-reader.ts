import type { DatabaseSync, StatementSync } from "node:sqlite";
import { documentKey, nameChecksum } from "../storage/checksum.ts";
import { decodeSnapshot, SnapshotDamage } from "../storage/snapshot-record.ts";
import { isTombstone } from "../storage/tombstone.ts";
import { Damage } from "../storage/wire-error.ts";
import { DocumentDeletedError } from "../store.ts";
import { inTransaction } from "./connection.ts";
import { ChunkDamage, type ChunkEntry, readChunk } from "./log-chunk.ts";
import { isDamage, sqliteSays } from "./sqlite-error.ts";

export interface ReadDocument {
	readonly snapshot: { readonly position: number; readonly update: Uint8Array } | undefined;
	/** After the snapshot, in order, without a gap. */
	readonly entries: readonly ChunkEntry[];
}

type Row = Record<string, unknown>;

/** Reads documents and believes nothing of what it reads until it is checked [DUR5]. */
export class DocumentReader {
	readonly #database: DatabaseSync;
	readonly #document: StatementSync;
	readonly #snapshot: StatementSync;
	readonly #chunks: StatementSync;

	constructor(database: DatabaseSync) {
		this.#database = database;
		this.#document = database.prepare("SELECT name, last_chunk FROM documents WHERE key = ?");
		this.#snapshot = database.prepare(
			"SELECT position, codec, checksum, data FROM snapshots WHERE document = ?",
		);
		this.#chunks = database.prepare("SELECT position, data FROM log WHERE document = ? ORDER BY position");
	}

	/** @throws {Damage} @throws {DocumentDeletedError} */
	read(documentName: string): ReadDocument {
		try {
			return check(documentName, this.#readRows(documentKey(documentName)));
		} catch (error) {
			if (error instanceof ChunkDamage || error instanceof SnapshotDamage) {
				throw new Damage(documentName, error.message, { cause: error });
			}
			if (isDamage(error)) {
				throw new Damage(documentName, sqliteSays(error), { cause: error });
			}
			throw error;
		}
	}

	/** One transaction, so that a compaction in between can't be half seen. */
	#readRows(key: bigint): Rows {
		return inTransaction(this.#database, "BEGIN", () => ({
			document: this.#document.get(key),
			snapshot: this.#snapshot.get(key),
			chunks: this.#chunks.all(key),
		}));
	}
}

interface Rows {
	readonly document: Row | undefined;
	readonly snapshot: Row | undefined;
	readonly chunks: readonly Row[];
}

function check(documentName: string, { document, snapshot, chunks }: Rows): ReadDocument {
	if (isTombstone(document?.name)) throw new DocumentDeletedError(documentName);
	const stored = snapshot !== undefined || chunks.length > 0;
	if (document === undefined && !stored) return { snapshot: undefined, entries: [] };
	if (document === undefined) throw new Damage(documentName, "the row with its name is missing");
	if (document.name !== documentName) {
		throw new Damage(documentName, `its content is stored under the name ${JSON.stringify(document.name)}`);
	}
	if (!stored) throw new Damage(documentName, "its snapshot and its log are missing");
	const sum = nameChecksum(documentName);
	const decoded = snapshot === undefined ? undefined : checkSnapshot(sum, snapshot);
	const entries = checkLog(sum, decoded?.position ?? 0, chunks);
	if (document.last_chunk !== (chunks.at(-1)?.position ?? 0)) {
		throw new Damage(documentName, `the log should end with the row of position ${document.last_chunk}`);
	}
	return { snapshot: decoded, entries };
}

function checkSnapshot(sum: number, row: Row): { position: number; update: Uint8Array } {
	const { position, codec, checksum, data } = row;
	const wellFormed =
		typeof position === "number" &&
		typeof codec === "number" &&
		typeof checksum === "number" &&
		data instanceof Uint8Array;
	if (!wellFormed) throw new SnapshotDamage("the snapshot's row has values of the wrong kind");
	return { position, update: decodeSnapshot(sum, { position, codec, checksum, data }) };
}

function checkLog(sum: number, snapshotPosition: number, chunks: readonly Row[]): ChunkEntry[] {
	const entries: ChunkEntry[] = [];
	let next = snapshotPosition + 1;
	for (const { position, data } of chunks) {
		if (typeof position !== "number" || !(data instanceof Uint8Array)) {
			throw new ChunkDamage("a row of the log has values of the wrong kind");
		}
		if (position !== next) {
			throw new ChunkDamage(
				`the log goes on at position ${position}, and the one before it ends at ${next - 1}`,
			);
		}
		const chunk = readChunk(data, position, sum);
		for (const entry of chunk.entries) entries.push(entry);
		next += chunk.entries.length;
	}
	return entries;
}
