import {
	framedBytes,
	readFramed,
	readVarint,
	varintBytes,
	writeFramed,
	writeVarint,
} from "../storage/framing.ts";
import type { AppendRequest, LogEntry, StoredDocument } from "../store.ts";
import type { PackedDocument, PackedRequest } from "./messages.ts";

/** Turns the store's calls into messages of few objects, and back. Pure. */

/** How many bytes a batch takes. */
export interface BatchSize {
	readonly packed: number;
	/** Of the framed updates in it. */
	readonly payloads: number;
}

/**
 * A batch as one run of bytes: for each request the document's name, in UTF-16, and its framed updates, each after its size as a varint. Such a message is
 * the cheapest one, and may go through memory that threads share.
 * @throws {TypeError} when an entry has no update.
 */
export function sizeOf(batch: readonly AppendRequest[]): BatchSize {
	let [packed, payloads] = [0, 0];
	for (const { documentName, updates } of batch) {
		if (updates.length === 0) throw new TypeError("a log entry needs at least one update");
		const payload = framedBytes(updates);
		packed += prefixedBytes(nameBytes(documentName)) + prefixedBytes(payload);
		payloads += payload;
	}
	return { packed, payloads };
}

/** Writes the batch to the beginning of `target`. */
export function packBatch(target: Buffer, batch: readonly AppendRequest[]): void {
	let at = 0;
	for (const { documentName, updates } of batch) {
		at = writeVarint(target, at, nameBytes(documentName));
		at += target.write(documentName, at, "utf16le");
		at = writeVarint(target, at, framedBytes(updates));
		at = writeFramed(target, at, updates);
	}
}

function nameBytes(documentName: string): number {
	return documentName.length * 2;
}

function prefixedBytes(bytes: number): number {
	return varintBytes(bytes) + bytes;
}

/** @returns The payloads as views on the bytes. */
export function unpackBatch(packed: Uint8Array): PackedRequest[] {
	const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
	const requests: PackedRequest[] = [];
	let at = 0;
	while (at < bytes.byteLength) {
		const name = next(bytes, at);
		const payload = next(bytes, name.end);
		at = payload.end;
		requests.push({
			documentName: bytes.toString("utf16le", name.from, name.end),
			payload: packed.subarray(payload.from, payload.end),
		});
	}
	return requests;
}

function next(bytes: Uint8Array, at: number): { readonly from: number; readonly end: number } {
	const length = readVarint(bytes, at);
	if (length === undefined) throw new RangeError("a packed batch is cut off");
	return { from: length.end, end: length.end + length.value };
}

export function unpackDocument({ snapshot, firstPosition, ends, payloads }: PackedDocument): StoredDocument {
	let logBytes = 0;
	const entries = ends.map((end, index): LogEntry => {
		const updates = readFramed(payloads.subarray(ends[index - 1] ?? 0, end));
		for (const update of updates) logBytes += update.byteLength;
		return { position: firstPosition + index, updates };
	});
	return { snapshot, entries, position: entries.at(-1)?.position ?? snapshot?.position ?? 0, logBytes };
}
