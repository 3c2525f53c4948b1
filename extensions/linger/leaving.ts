import type { Document } from "@hocuspocus/server";

const leaving = new WeakSet<Document>();

/** Has a document leave memory with its last client, whatever lingers: what is in memory is not to be used again. */
export function leaveWithLastClient(document: Document): void {
	leaving.add(document);
}

export function leavesWithLastClient(document: Document): boolean {
	return leaving.has(document);
}
