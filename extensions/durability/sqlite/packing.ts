import { framedBytes, readFramed, writeFramed } from "../storage/framing.ts";
import type { AppendRequest, LogEntry, StoredDocument } from "../store.ts";
import type { PackedDocument } from "./messages.ts";

/** Turns the store's calls into messages of few objects, and back. Pure. */

export interface OwnedBatch {
	readonly documentNames: readonly string[];
	readonly ends: readonly number[];
	readonly payloads: Uint8Array<ArrayBuffer>;
}

export function packBatch(batch: readonly AppendRequest[]): OwnedBatch {
	let bytes = 0;
	const ends = batch.map(({ updates }) => {
		if (updates.length === 0) throw new TypeError("a log entry needs at least one update");
		bytes += framedBytes(updates);
		return bytes;
	});
	const payloads = new Uint8Array(bytes);
	batch.forEach(({ updates }, index) => {
		writeFramed(payloads, ends[index - 1] ?? 0, updates);
	});
	return { documentNames: batch.map(({ documentName }) => documentName), ends, payloads };
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
