import { checksum } from "../storage/checksum.ts";

/**
 * The checksum of a log entry has two parts, because only the server knows the position, while it appends: CRC-32 of
 * document name and payload, made here, and the position, which the server's statement adds with an exclusive or. So a row that
 * changed, strayed to another document or took another's place is noticed, as with one checksum over all three.
 */
export function contentChecksum(nameChecksum: number, payload: Uint8Array): number {
	return checksum(nameChecksum, 0, payload);
}

/** As the append statement does it. */
export function entryChecksum(contentChecksum: number, position: number): number {
	return (contentChecksum ^ (position % 2 ** 32)) >>> 0;
}
