import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

/**
 * What a document's rows are stored under: 63 bits of the name's SHA-256, and the sign. Being derived from the name and
 * not assigned, it finds the snapshot and the log even when the row that holds the name is damaged, so that such a
 * document is noticed and never taken for a new one. Two names with one key are told apart by the stored name.
 */
export function documentKey(documentName: string): bigint {
	return hash("sha256", documentName, "buffer").readBigInt64LE(0);
}

/** Where the checksums of one document begin, so that a row that strayed to another document is noticed. */
export function nameChecksum(documentName: string): number {
	return crc32(documentName);
}

const number = new DataView(new ArrayBuffer(8));

/** CRC-32 of (document name, number, bytes). The number is a position, or what else must not be swapped. */
export function checksum(nameChecksum: number, value: number, bytes: Uint8Array): number {
	number.setFloat64(0, value, true);
	return crc32(bytes, crc32(number, nameChecksum));
}
