import { nameChecksum } from "../storage/checksum.ts";
import { readFramed } from "../storage/framing.ts";
import { giveWay } from "../storage/give-way.ts";
import { encodeSnapshot } from "../storage/snapshot-record.ts";
import { Damage, toWire } from "../storage/wire-error.ts";
import { serve } from "../storage/worker-port.ts";
import { openForCheckpoints, openForReading, Reopening } from "./connection.ts";
import { DocumentReader, type ReadDocument } from "./document-reader.ts";
import { Listing } from "./listing.ts";
import type { Loaded, Merged, PackedDocument, ReaderProtocol, WorkerSettings } from "./messages.ts";
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
			load: (documentNames) => documentNames.map((documentName) => load(() => read(documentName))),
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
		load: (answers) => answers.flatMap(buffersOf),
		merge: ({ merged }) => [merged?.record.data.buffer],
	},
	errorCode,
});

/** One that can't be read keeps nobody from the others. */
function load(read: () => ReadDocument): Loaded {
	try {
		return { status: "done", document: pack(read()) };
	} catch (error) {
		return { status: "failed", error: toWire(error, errorCode) };
	}
}

/** Of a document that it would take long to copy. */
function buffersOf(answer: Loaded): (ArrayBufferLike | undefined)[] {
	if (answer.status === "failed") return [];
	const { payloads, snapshot } = answer.document;
	return [payloads, snapshot?.update]
		.filter((bytes) => bytes !== undefined && bytes.byteLength >= movedBytesMin)
		.map((bytes) => bytes?.buffer);
}

/** What is smaller is copied with the message, which takes less time than having a buffer change hands. */
const movedBytesMin = 16 * 1024;

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

async function mergeStored(
	documentName: string,
	stored: ReadDocument,
	gc: boolean,
): Promise<{ position: number; merged: Merged | undefined }> {
	const basis = stored.snapshot?.position ?? 0;
	const position = stored.entries.at(-1)?.position;
	if (position === undefined) return { position: basis, merged: undefined };
	const update = await mergeOrExplain(documentName, stored, gc);
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

async function mergeOrExplain(documentName: string, stored: ReadDocument, gc: boolean): Promise<Uint8Array> {
	// With all of Yjs, which reading does not need: everybody who comes back after a restart would wait for it.
	const { MeaninglessUpdate, merge } = await import("../merge.ts");
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
