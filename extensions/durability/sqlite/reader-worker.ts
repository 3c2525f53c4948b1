import { MeaninglessUpdate, merge } from "../merge.ts";
import { nameChecksum } from "../storage/checksum.ts";
import { readFramed } from "../storage/framing.ts";
import { giveWay } from "../storage/give-way.ts";
import { encodeSnapshot } from "../storage/snapshot-record.ts";
import { Damage } from "../storage/wire-error.ts";
import { serve } from "../storage/worker-port.ts";
import { openForCheckpoints, openForReading, Reopening } from "./connection.ts";
import { DocumentReader, type ReadDocument } from "./document-reader.ts";
import { Listing } from "./listing.ts";
import type { Merged, PackedDocument, ReaderProtocol, WorkerSettings } from "./messages.ts";
import { errorCode } from "./sqlite-error.ts";

/** The worker that reads, merges and moves the write-ahead log into the database, while the other one writes. */
serve<ReaderProtocol, WorkerSettings>({
	answers: (settings) => {
		giveWay();
		const reading = new Reopening(
			settings.path,
			() => openForReading(settings),
			(database) => ({ documents: new DocumentReader(database), listing: new Listing(database) }),
		);
		const checkpoints = new Reopening(
			settings.path,
			() => openForCheckpoints(settings),
			() => undefined,
		);
		const read = (documentName: string) => reading.use(({ documents }) => documents.read(documentName));
		return {
			load: (documentName) => pack(read(documentName)),
			list: (query) => reading.use(({ listing }) => listing.page(query)),
			merge: ({ documentName, gc }) => mergeStored(documentName, read(documentName), gc),
			checkpoint: () => {
				checkpoints.use((_, database) => database.exec("PRAGMA wal_checkpoint(PASSIVE)"));
			},
			close: () => {
				checkpoints.close();
				reading.close();
			},
		};
	},
	moved: {
		load: ({ payloads, snapshot }) => [payloads.buffer, snapshot?.update.buffer],
		merge: ({ merged }) => [merged?.record.data.buffer],
	},
	errorCode,
});

function pack({ snapshot, entries }: ReadDocument): PackedDocument {
	let bytes = 0;
	const ends = entries.map(({ payload }) => {
		bytes += payload.byteLength;
		return bytes;
	});
	const payloads = new Uint8Array(bytes);
	entries.forEach(({ payload }, index) => {
		payloads.set(payload, ends[index - 1] ?? 0);
	});
	return {
		snapshot: snapshot && { position: snapshot.position, update: owned(snapshot.update) },
		firstPosition: entries[0]?.position ?? 0,
		ends,
		payloads,
	};
}

function mergeStored(
	documentName: string,
	stored: ReadDocument,
	gc: boolean,
): { position: number; merged: Merged | undefined } {
	const basis = stored.snapshot?.position ?? 0;
	const position = stored.entries.at(-1)?.position;
	if (position === undefined) return { position: basis, merged: undefined };
	const update = mergeOrExplain(documentName, stored, gc);
	const record = encodeSnapshot(nameChecksum(documentName), position, update);
	return {
		position,
		merged: {
			basis,
			entriesMerged: stored.entries.length,
			updateBytes: update.byteLength,
			record: { ...record, data: owned(record.data) },
		},
	};
}

function mergeOrExplain(documentName: string, stored: ReadDocument, gc: boolean): Uint8Array {
	const entries = stored.entries.map(({ position, payload }) => ({ position, updates: readFramed(payload) }));
	try {
		return merge({ snapshot: stored.snapshot, entries }, gc);
	} catch (cause) {
		if (cause instanceof MeaninglessUpdate) throw new Damage(documentName, cause.message, { cause });
		throw cause;
	}
}

/** The bytes in a buffer of their own, which can be moved to another thread without taking others along. */
function owned(bytes: Uint8Array): Uint8Array {
	return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
