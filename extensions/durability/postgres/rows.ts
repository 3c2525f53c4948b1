import { nameChecksum } from "../storage/checksum.ts";
import { readFramed } from "../storage/framing.ts";
import { decodeSnapshot, SnapshotDamage } from "../storage/snapshot-record.ts";
import { isTombstone } from "../storage/tombstone.ts";
import { Damage } from "../storage/wire-error.ts";
import { DocumentDeletedError, type StoredDocument } from "../store.ts";
import { contentChecksum, entryChecksum } from "./entry-checksum.ts";
import type { EntryRow, StoredRow } from "./statements.ts";

/** Turns rows into documents, and believes nothing of what it reads until it is checked [DUR5]. Pure. */

type DocumentRow = Extract<StoredRow, { readonly kind: "document" }>;
type SnapshotRow = Extract<StoredRow, { readonly kind: "snapshot" }>;

/** @throws {Damage} @throws {DocumentDeletedError} */
export function readDocument(documentName: string, rows: readonly StoredRow[]): StoredDocument {
	if (rows.length === 0) return { snapshot: undefined, entries: [], position: 0, logBytes: 0 };
	const document = rows.find((row) => row.kind === "document");
	const snapshotRow = rows.find((row) => row.kind === "snapshot");
	const entryRows = rows.filter((row) => row.kind === "entry");
	if (isTombstone(document?.data)) throw new DocumentDeletedError(documentName);
	checkName(documentName, document);
	const snapshot = readSnapshot(documentName, document, snapshotRow);
	const entries = readEntries(documentName, entryRows, snapshot?.position ?? 0, document.position);
	let logBytes = 0;
	for (const { updates } of entries) for (const { byteLength } of updates) logBytes += byteLength;
	const { position, generation } = document;
	return { snapshot, entries, position, logBytes, generation: generation || undefined };
}

export function checkName(documentName: string, row: DocumentRow | undefined): asserts row is DocumentRow {
	if (row === undefined) throw new Damage(documentName, "the row with its name is missing");
	const name = Buffer.from(row.data);
	if (name.equals(Buffer.from(documentName))) return;
	throw new Damage(documentName, `its content is stored under the name ${JSON.stringify(name.toString())}`);
}

function readSnapshot(
	documentName: string,
	{ snapshot_position }: DocumentRow,
	row: SnapshotRow | undefined,
): StoredDocument["snapshot"] {
	if (row === undefined && snapshot_position === 0) return undefined;
	if (row === undefined) throw new Damage(documentName, "its snapshot is missing");
	if (row.position !== snapshot_position) {
		throw new Damage(
			documentName,
			`the snapshot is one of position ${row.position}, but should be of ${snapshot_position}`,
		);
	}
	try {
		return { position: row.position, update: decodeSnapshot(nameChecksum(documentName), row) };
	} catch (error) {
		if (error instanceof SnapshotDamage) throw new Damage(documentName, error.message, { cause: error });
		throw error;
	}
}

/**
 * @param after The position before the first one.
 * @param last The position of the last one.
 * @throws {Damage}
 */
export function readEntries(
	documentName: string,
	rows: readonly EntryRow[],
	after: number,
	last: number,
): StoredDocument["entries"] {
	const sum = nameChecksum(documentName);
	const sorted = rows.toSorted((a, b) => a.position - b.position);
	const entries = sorted.map(({ position, checksum, data }, index) => {
		const due = after + 1 + index;
		if (position > due) throw new Damage(documentName, `the log entry at position ${due} is missing`);
		if (position < due) throw new Damage(documentName, `the log holds position ${position} once too often`);
		if (checksum !== entryChecksum(contentChecksum(sum, data), position)) {
			throw new Damage(documentName, `the log entry at position ${position} does not match its checksum`);
		}
		return { position, updates: readPayload(documentName, position, data) };
	});
	const end = after + entries.length;
	if (end !== last) {
		throw new Damage(documentName, `the log ends at position ${end}, but should end at ${last}`);
	}
	return entries;
}

function readPayload(documentName: string, position: number, payload: Uint8Array): readonly Uint8Array[] {
	try {
		return readFramed(payload);
	} catch (cause) {
		throw new Damage(documentName, `the log entry at position ${position} is cut off`, { cause });
	}
}
