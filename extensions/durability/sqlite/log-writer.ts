import type { DatabaseSync } from "node:sqlite";
import { documentKey, nameChecksum } from "../storage/checksum.ts";
import { isTombstone, tombstone } from "../storage/tombstone.ts";
import { Damage, toWire, type WireError } from "../storage/wire-error.ts";
import { DocumentDeletedError } from "../store.ts";
import { inTransaction } from "./connection.ts";
import {
	ChunkDamage,
	type ChunkEntry,
	entryBytes,
	newChunk,
	readChunk,
	roomEnd,
	writeEntry,
} from "./log-chunk.ts";
import { prepareStatements, type Statements } from "./log-statements.ts";
import type {
	AppendOutcome,
	Deletion,
	DeletionOutcome,
	LonePosition,
	Merged,
	PackedRequest,
} from "./messages.ts";
import { errorCode, isConfinedToStatement, isDamage, sqliteSays } from "./sqlite-error.ts";
import { type Tail, TailCache } from "./tail-cache.ts";

/**
 * Everything that writes to the database, on one connection.
 *
 * Only one of these exists for a file (see {@link ./file-lock.ts}), so what it remembers of a document's end (its
 * {@link Tail}) is true. It is forgotten whenever a transaction that concerned it did not commit.
 */
export class LogWriter {
	readonly #database: DatabaseSync;
	readonly #statements: Statements;
	readonly #tails = new TailCache();

	constructor(database: DatabaseSync) {
		this.#database = database;
		this.#statements = prepareStatements(database);
	}

	/**
	 * Appends in one transaction. A document that can't be written fails alone; whatever else goes wrong is thrown.
	 *
	 * When a statement meets a page that makes no sense, SQLite fails all that follow in its transaction, its savepoint
	 * rolled back or not. So the others are written anew without that document.
	 */
	append(batch: readonly PackedRequest[]): AppendOutcome | LonePosition {
		const failures: Failures = new Map();
		for (;;) {
			try {
				const positions = this.#appendExcept(failures, batch);
				const [first] = positions;
				if (first !== undefined && batch.length === 1 && failures.size === 0) return first;
				return { positions, failures: Array.from(failures, ([index, error]) => ({ index, error })) };
			} catch (error) {
				for (const { documentName } of batch) this.#tails.forget(documentName);
				if (!(error instanceof DamagedPage)) throw error;
				failures.set(error.index, toWire(error.damage, errorCode));
			}
		}
	}

	/**
	 * @param failures The requests that are left out. Those that fail are added.
	 * @returns Positions, 0 for what failed.
	 * @throws {DamagedPage}
	 */
	#appendExcept(failures: Failures, batch: readonly PackedRequest[]): number[] {
		const appendAll = () =>
			batch.map((request, index) => {
				if (failures.has(index)) return 0;
				const result = this.#appendAlone(request, index);
				if (typeof result === "number") return result;
				failures.set(index, result);
				return 0;
			});
		// A single statement is a transaction of its own, and spares SQLite those that begin and end one.
		const isSingleStatement = batch.length === 1 && batch.every((request) => this.#hasRoom(request));
		return isSingleStatement ? appendAll() : inTransaction(this.#database, "BEGIN IMMEDIATE", appendAll);
	}

	/**
	 * Puts a merged snapshot in place and removes exactly the entries that are in it, in one transaction [DUR4].
	 * @returns Whether it was done; not so when the snapshot is no longer the one that was merged.
	 * @throws {Damage} when the log is not what was merged. Nothing is changed then.
	 */
	replace(documentName: string, { basis, entriesMerged, record }: Merged): boolean {
		const key = documentKey(documentName);
		const { position } = record;
		this.#tails.forget(documentName);
		return inTransaction(this.#database, "BEGIN IMMEDIATE", () => {
			if (this.#isDeleted(key) || this.#snapshotPosition(key) !== basis) return false;
			const last = this.#statements.chunkAt.get(key, position);
			const chunk = last === undefined ? undefined : this.#readRow(documentName, key, last);
			const end = chunk === undefined ? basis : chunk.position;
			if (chunk === undefined || end < position || position - basis !== entriesMerged) {
				throw new Damage(documentName, `the log ends at position ${end}, and ${position} was merged`);
			}
			this.#statements.deleteChunks.run(key, position);
			// The deleted rows' pages serve the new one, so that a full disk can be relieved by compaction.
			this.#statements.deleteSnapshot.run(key);
			this.#statements.insertSnapshot.run(key, position, record.codec, record.checksum, record.data);
			const rest = chunk.entries.filter((entry) => entry.position > position);
			if (rest.length > 0) this.#insertChunk(chunk.tail, rest);
			this.#statements.noteLastChunk.run(key, key);
			return true;
		});
	}

	/** Removes all of a document and marks its name, in one transaction [DUR7]. Damage to what goes is no obstacle. */
	delete({ documentName, evenIfUnknown }: Deletion): DeletionOutcome {
		const key = documentKey(documentName);
		this.#tails.forget(documentName);
		return inTransaction(this.#database, "BEGIN IMMEDIATE", () => {
			if (this.#isDeleted(key)) return "deleted-before";
			const isKnown =
				this.#statements.document.get(key) !== undefined || this.#statements.holds.get(key)?.holds === 1;
			if (!isKnown && !evenIfUnknown) return "unknown";
			this.#statements.deleteLog.run(key);
			this.#statements.deleteSnapshot.run(key);
			this.#statements.mark.run(key, tombstone(Date.now()));
			return "deleted";
		});
	}

	/** @returns Whether the name was marked as deleted. It is not any more. */
	free(documentName: string): boolean {
		const key = documentKey(documentName);
		this.#tails.forget(documentName);
		return inTransaction(this.#database, "BEGIN IMMEDIATE", () => {
			if (!this.#isDeleted(key)) return false;
			this.#statements.free.run(key);
			return true;
		});
	}

	/** Whether the name is marked as deleted. */
	isDeleted(documentName: string): boolean {
		return this.#isDeleted(documentKey(documentName));
	}

	#isDeleted(key: bigint): boolean {
		return isTombstone(this.#statements.document.get(key)?.name);
	}

	/** @returns The position, or why it failed; throws when the transaction can't go on. */
	#appendAlone(request: PackedRequest, index: number): number | WireError {
		const { documentName } = request;
		// A statement that fails has changed nothing; several need to be undone.
		const isSingleStatement = this.#hasRoom(request);
		if (!isSingleStatement) this.#statements.savepoint.run();
		let outcome: number | WireError;
		try {
			outcome = this.#appendEntry(request);
		} catch (error) {
			if (isDamage(error)) throw new DamagedPage(index, documentName, error);
			if (!isConfinedToStatement(error)) throw error;
			if (!isSingleStatement) this.#statements.rollBackToSavepoint.run();
			this.#tails.forget(documentName);
			outcome = toWire(error, errorCode);
		}
		if (!isSingleStatement) this.#statements.release.run();
		return outcome;
	}

	/** Whether it is known where the document ends, and the entry fits into its last row: to append it is an update of that row. */
	#hasRoom({ documentName, payload }: PackedRequest): boolean {
		return roomFor(payload, this.#tails.get(documentName)?.chunk) !== undefined;
	}

	#appendEntry({ documentName, payload }: PackedRequest): number {
		const tail = this.#tails.get(documentName) ?? this.#readTail(documentName);
		const entry = { position: tail.position + 1, payload };
		const chunk = roomFor(payload, tail.chunk);
		if (chunk !== undefined) {
			chunk.usedBytes = writeEntry(chunk.bytes, chunk.usedBytes, tail.nameChecksum, entry);
			const { changes } = this.#statements.updateChunk.run(chunk.bytes, chunk.rowId);
			if (changes !== 1n) throw new Damage(documentName, "the last row of the log is missing");
		} else {
			this.#insertChunk(tail, [entry]);
			this.#statements.noteLastChunk.run(tail.key, tail.key);
		}
		tail.position = entry.position;
		this.#tails.set(documentName, tail);
		return entry.position;
	}

	/** Writes entries into a new row, the document's last one. */
	#insertChunk(tail: Tail, entries: readonly ChunkEntry[]): void {
		let needed = 0;
		for (const { payload } of entries) needed += entryBytes(payload.byteLength);
		const bytes = newChunk(tail.chunkBytes, needed);
		let usedBytes = 0;
		for (const entry of entries) usedBytes = writeEntry(bytes, usedBytes, tail.nameChecksum, entry);
		const row = this.#statements.insertChunk.run(tail.key, entries[0]?.position ?? 0, bytes);
		tail.chunkBytes = bytes.byteLength;
		tail.chunk = withRoom({ rowId: row.lastInsertRowid, bytes, usedBytes });
	}

	/** Reads where a document ends; a new one is entered. */
	#readTail(documentName: string): Tail {
		const key = documentKey(documentName);
		const known = this.#statements.document.get(key);
		if (isTombstone(known?.name)) throw new DocumentDeletedError(documentName);
		const row = this.#statements.lastChunk.get(key);
		const snapshotPosition = this.#snapshotPosition(key);
		const stored = row !== undefined || snapshotPosition !== 0;
		if (known === undefined && !stored) {
			this.#statements.insertDocument.run(key, documentName);
		} else if (known?.name !== documentName || known.last_chunk !== (row?.position ?? 0) || !stored) {
			throw new Damage(documentName, "its name, snapshot and log are not all there");
		}
		if (row !== undefined) return this.#readRow(documentName, key, row).tail;
		return {
			key,
			nameChecksum: nameChecksum(documentName),
			position: snapshotPosition,
			chunkBytes: 0,
			chunk: undefined,
		};
	}

	#readRow(documentName: string, key: bigint, row: Row): ReadRow {
		const { id, position, data } = row;
		if (typeof id !== "number" || typeof position !== "number" || !(data instanceof Uint8Array)) {
			throw new Damage(documentName, "a row of the log has values of the wrong kind");
		}
		const sum = nameChecksum(documentName);
		try {
			const { entries, usedBytes } = readChunk(data, position, sum);
			const end = position + entries.length - 1;
			const chunk = withRoom({ rowId: id, bytes: data, usedBytes });
			const tail = { key, nameChecksum: sum, position: end, chunkBytes: data.byteLength, chunk };
			return { tail, entries, position: end };
		} catch (error) {
			if (error instanceof ChunkDamage) throw new Damage(documentName, error.message, { cause: error });
			throw error;
		}
	}

	#snapshotPosition(key: bigint): number {
		const position = this.#statements.snapshotPosition.get(key)?.position;
		return typeof position === "number" ? position : 0;
	}
}

/** By the request's index in its batch. */
type Failures = Map<number, WireError>;

/** SQLite can't read what one request of a batch needs. */
class DamagedPage extends Error {
	override readonly name = "DamagedPage";
	readonly index: number;
	readonly damage: Damage;

	constructor(index: number, documentName: string, cause: unknown) {
		super(`request ${index} met a damaged page`, { cause });
		this.index = index;
		this.damage = new Damage(documentName, sqliteSays(cause), { cause });
	}
}

/** A full chunk, which may be large, is not kept in memory. */
function withRoom(chunk: NonNullable<Tail["chunk"]>): Tail["chunk"] {
	return chunk.usedBytes < roomEnd(chunk.bytes) ? chunk : undefined;
}

/** @returns The chunk if there is room for the payload in it. */
function roomFor(payload: Uint8Array, chunk: Tail["chunk"]): Tail["chunk"] {
	if (chunk === undefined) return undefined;
	return chunk.usedBytes + entryBytes(payload.byteLength) <= roomEnd(chunk.bytes) ? chunk : undefined;
}

type Row = Record<string, unknown>;

interface ReadRow {
	readonly tail: Tail;
	readonly entries: readonly ChunkEntry[];
	/** Of its last entry. */
	readonly position: number;
}
