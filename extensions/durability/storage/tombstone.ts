/**
 * Stands in the place of a deleted document's name, in its row, which is found by a hash of the name: so a deleted document's name is
 * not kept. It begins with a byte that no text in UTF-8 has, and is no document's name for that reason. Programs of before there were
 * deletions find another name than they look for, and neither open nor write such a document.
 */
const firstByte = 0xff;

/** @param atMs When it was deleted, in ms since 1970. For people. */
export function tombstone(atMs: number): Buffer {
	return Buffer.concat([Buffer.of(firstByte), Buffer.from(`deleted ${new Date(atMs).toISOString()}`)]);
}

/** @param name As it is stored. */
export function isTombstone(name: unknown): boolean {
	return name instanceof Uint8Array && name[0] === firstByte;
}
