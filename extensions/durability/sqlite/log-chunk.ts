import { checksum } from "../storage/checksum.ts";
import { readVarint, varintBytes, writeVarint } from "../storage/framing.ts";

/**
 * A chunk is one row of the log: a run of entries with consecutive positions, and room for more after them.
 *
 * The room is what makes a keystroke cheap. SQLite writes an update of a row in place, and only those pages of it that
 * changed, when its size stays the same; so an entry that is put into the room dirties one page (now and then two).
 * A row per entry writes twice as much, because b-tree pages fill up and are split: see
 * `bench/store-layout.ts`.
 *
 * Bytes, for each entry: the length of its payload (varint, never 0), CRC-32 (little endian) of document name, position
 * and payload, and the payload; then zeros, and at the end a byte that is not zero (see {@link ./free-pages.ts}).
 */

const checksumBytes = 4;
const endMark = 0xe5;
/** So that a small document's first row fits into one page of 512 bytes. */
const firstChunkBytes = 416;
/** From here on a larger chunk saves nothing that could be measured. */
const chunkBytesMax = 4096;

export interface ChunkEntry {
	readonly position: number;
	/** Framed updates: a view on the chunk. */
	readonly payload: Uint8Array;
}

export interface Chunk {
	readonly entries: readonly ChunkEntry[];
	/** Where the next entry goes. */
	readonly usedBytes: number;
}

/** A chunk does not read back as it was written. The message says how. */
export class ChunkDamage extends Error {
	override readonly name = "ChunkDamage";
}

/** Size of an entry in a chunk, in bytes. */
export function entryBytes(payloadBytes: number): number {
	return varintBytes(payloadBytes) + checksumBytes + payloadBytes;
}

/**
 * Makes an empty chunk for an entry: twice the previous one's size up to a bound, so that a document that is written
 * rarely wastes little and a busy one seldom needs a new row.
 * @param previousBytes Size of the chunk before it; 0 without one.
 * @param neededBytes Size of the entries that are to go into it.
 */
export function newChunk(previousBytes: number, neededBytes: number): Uint8Array {
	const usual = Math.min(Math.max(firstChunkBytes, previousBytes * 2), chunkBytesMax);
	const chunk = new Uint8Array(Math.max(usual, neededBytes + 1));
	chunk[chunk.byteLength - 1] = endMark;
	return chunk;
}

/** Where the room for entries ends. */
export function roomEnd(chunk: Uint8Array): number {
	return chunk.byteLength - 1;
}

/** Puts an entry into the room of a chunk. @returns The new `usedBytes`. */
export function writeEntry(
	chunk: Uint8Array,
	usedBytes: number,
	nameChecksum: number,
	{ position, payload }: ChunkEntry,
): number {
	const at = writeVarint(chunk, usedBytes, payload.byteLength);
	const sum = checksum(nameChecksum, position, payload);
	chunk[at] = sum & 0xff;
	chunk[at + 1] = (sum >>> 8) & 0xff;
	chunk[at + 2] = (sum >>> 16) & 0xff;
	chunk[at + 3] = sum >>> 24;
	chunk.set(payload, at + checksumBytes);
	return at + checksumBytes + payload.byteLength;
}

/**
 * Reads a chunk and checks all of it.
 * @param firstPosition The position of its first entry.
 * @throws {ChunkDamage} when any byte is not what was written.
 */
export function readChunk(chunk: Uint8Array, firstPosition: number, nameChecksum: number): Chunk {
	const entries: ChunkEntry[] = [];
	const end = roomEnd(chunk);
	if (chunk[end] !== endMark) throw new ChunkDamage(`the log row of position ${firstPosition} is cut off`);
	let at = 0;
	while (at < end && chunk[at] !== 0) {
		const position = firstPosition + entries.length;
		const length = readVarint(chunk, at);
		const from = (length?.end ?? 0) + checksumBytes;
		if (length === undefined || length.value > end - from) {
			throw new ChunkDamage(`the log entry at position ${position} is cut off`);
		}
		const payload = chunk.subarray(from, from + length.value);
		const stored = Buffer.from(chunk.buffer, chunk.byteOffset + length.end, checksumBytes).readUInt32LE();
		if (stored !== checksum(nameChecksum, position, payload)) {
			throw new ChunkDamage(`the log entry at position ${position} does not match its checksum`);
		}
		entries.push({ position, payload });
		at = from + length.value;
	}
	if (entries.length === 0) throw new ChunkDamage(`the log entry at position ${firstPosition} is missing`);
	const rest = chunk.subarray(at, end);
	if (rest.some((byte) => byte !== 0)) {
		throw new ChunkDamage(
			`the log goes on after position ${firstPosition + entries.length - 1} with garbage`,
		);
	}
	return { entries, usedBytes: at };
}
