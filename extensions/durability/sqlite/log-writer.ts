import type { DatabaseSync, StatementSync } from "node:sqlite";
import { documentKey, nameChecksum } from "./checksum.ts";
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
import type { AppendOutcome, Merged, PackedBatch } from "./messages.ts";
import { isConfinedToStatement, isDamage, sqliteSays } from "./sqlite-error.ts";
import { type Tail, TailCache } from "./tail-cache.ts";
import { Damage, toWire, type WireError } from "./wire-error.ts";

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

	/** Appends in one transaction. A document that can't be written fails alone; whatever else goes wrong is thrown. */
	append({ documentNames, ends, payloads }: PackedBatch): AppendOutcome {
		const positions: number[] = [];
		const failures: { index: number; error: WireError }[] = [];
		try {
			inTransaction(this.#database, "BEGIN IMMEDIATE", () => {
				documentNames.forEach((documentName, index) => {
					const payload = payloads.subarray(ends[index - 1] ?? 0, ends[index]);
					const result = this.#appendAlone(documentName, payload);
					positions.push(typeof result === "number" ? result : 0);
					if (typeof result !== "number") failures.push({ index, error: result });
				});
			});
		} catch (error) {
			for (const documentName of documentNames) this.#tails.forget(documentName);
			throw error;
		}
		return { positions, failures };
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
			if (this.#snapshotPosition(key) !== basis) return false;
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

	/** @returns The position, or why it failed; throws when the transaction can't go on. */
	#appendAlone(documentName: string, payload: Uint8Array): number | WireError {
		this.#statements.savepoint.run();
		let outcome: number | WireError;
		try {
			outcome = this.#appendEntry(documentName, payload);
		} catch (error) {
			if (!isConfinedToStatement(error)) throw error;
			this.#statements.rollBackToSavepoint.run();
			this.#tails.forget(documentName);
			const damage = isDamage(error) ? new Damage(documentName, sqliteSays(error), { cause: error }) : error;
			outcome = toWire(damage);
		}
		this.#statements.release.run();
		return outcome;
	}

	#appendEntry(documentName: string, payload: Uint8Array): number {
		const tail = this.#tails.get(documentName) ?? this.#readTail(documentName);
		const entry = { position: tail.position + 1, payload };
		const { chunk } = tail;
		const needed = entryBytes(payload.byteLength);
		if (chunk !== undefined && chunk.usedBytes + needed <= roomEnd(chunk.bytes)) {
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

/** A full chunk, which may be large, is not kept in memory. */
function withRoom(chunk: NonNullable<Tail["chunk"]>): Tail["chunk"] {
	return chunk.usedBytes < roomEnd(chunk.bytes) ? chunk : undefined;
}

type Row = Record<string, unknown>;

interface ReadRow {
	readonly tail: Tail;
	readonly entries: readonly ChunkEntry[];
	/** Of its last entry. */
	readonly position: number;
}

type Statements = Readonly<Record<keyof typeof statementTexts, StatementSync>>;

const statementTexts = {
	savepoint: "SAVEPOINT one_document",
	release: "RELEASE one_document",
	rollBackToSavepoint: "ROLLBACK TO one_document",
	document: "SELECT name, last_chunk FROM documents WHERE key = ?",
	insertDocument: "INSERT INTO documents (key, last_chunk, name) VALUES (?, 0, ?)",
	noteLastChunk:
		"UPDATE documents SET last_chunk = ifnull((SELECT max(position) FROM log WHERE document = ?), 0) WHERE key = ?",
	lastChunk: "SELECT id, position, data FROM log WHERE document = ? ORDER BY position DESC LIMIT 1",
	chunkAt:
		"SELECT id, position, data FROM log WHERE document = ? AND position <= ? ORDER BY position DESC LIMIT 1",
	insertChunk: "INSERT INTO log (document, position, data) VALUES (?, ?, ?)",
	updateChunk: "UPDATE log SET data = ? WHERE id = ?",
	deleteChunks: "DELETE FROM log WHERE document = ? AND position <= ?",
	snapshotPosition: "SELECT position FROM snapshots WHERE document = ?",
	deleteSnapshot: "DELETE FROM snapshots WHERE document = ?",
	insertSnapshot: "INSERT INTO snapshots (document, position, codec, checksum, data) VALUES (?, ?, ?, ?, ?)",
} as const;

function prepareStatements(database: DatabaseSync): Statements {
	const prepared = Object.entries(statementTexts).map(([name, text]) => {
		const statement = database.prepare(text);
		// After each write Node reads the connection's last rowid, and a document's key is no safe integer.
		if (!text.startsWith("SELECT")) statement.setReadBigInts(true);
		return [name, statement];
	});
	return Object.fromEntries(prepared) as Statements;
}
