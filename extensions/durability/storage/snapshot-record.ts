// As a whole: where there is no zstd, an import of it would fail before anybody could say why.
import zlib from "node:zlib";
import { checksum } from "./checksum.ts";

/**
 * How a snapshot's bytes are stored. The numbers are in the database: never reuse one.
 *
 * zstd at its default level, measured once on the S3 trace as a V1 update (607 kB):
 * none 607 kB; zstd-1 360 kB, 2.5 ms to compress; zstd-3 293 kB, 4 ms, 1.5 ms back; zstd-9 278 kB, 11 ms; deflate-1 297 kB,
 * 7 ms; deflate-6 275 kB, 15 ms, 5 ms back. Yjs' V2 format under zstd-3 would be 195 kB, but costs 15 ms more on each
 * load to turn back.
 */
const SnapshotCodec = { none: 0, zstd: 1 } as const;

/** A snapshot as it is stored. */
export interface SnapshotRecord {
	/** The position of the last log entry that it covers. */
	readonly position: number;
	readonly codec: number;
	readonly data: Uint8Array;
	/** CRC-32 of document name, codec, position and data. */
	readonly checksum: number;
}

/** A snapshot does not read back as it was written. The message says how. */
export class SnapshotDamage extends Error {
	override readonly name = "SnapshotDamage";
}

export function encodeSnapshot(nameChecksum: number, position: number, update: Uint8Array): SnapshotRecord {
	const compressed = zlib.zstdCompressSync(update);
	const smaller = compressed.byteLength < update.byteLength;
	const data = smaller ? compressed : update;
	const codec = smaller ? SnapshotCodec.zstd : SnapshotCodec.none;
	return { position, codec, data, checksum: snapshotChecksum(nameChecksum, { position, codec, data }) };
}

type Checked = Pick<SnapshotRecord, "position" | "codec" | "data">;

/** The codec counts, too: SQLite stores it as one bit, and packed bytes must not be taken for an update. */
function snapshotChecksum(nameChecksum: number, { position, codec, data }: Checked): number {
	return checksum(checksum(nameChecksum, codec, nothing), position, data);
}

const nothing = new Uint8Array();

/** @throws {SnapshotDamage} */
export function decodeSnapshot(nameChecksum: number, record: SnapshotRecord): Uint8Array {
	if (record.checksum !== snapshotChecksum(nameChecksum, record)) {
		throw new SnapshotDamage("the snapshot does not match its checksum");
	}
	switch (record.codec) {
		case SnapshotCodec.none:
			return record.data;
		case SnapshotCodec.zstd:
			return decompress(record.data);
		default:
			throw new SnapshotDamage(`the snapshot is stored in an unknown way (${record.codec})`);
	}
}

function decompress(data: Uint8Array): Uint8Array {
	try {
		return zlib.zstdDecompressSync(data);
	} catch (cause) {
		throw new SnapshotDamage("the snapshot does not decompress", { cause });
	}
}
