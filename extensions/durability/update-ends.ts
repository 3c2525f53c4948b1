import { type Doc, decodeUpdate, getState, Skip } from "yjs";

/** For each Yjs client id, the clock after the last struct that an update holds. */
export type UpdateEnds = ReadonlyMap<number, number>;

/**
 * Reads an update to its end without applying it. `y-protocols` swallows an update that can't be read, and Hocuspocus
 * would acknowledge it; and Yjs reserves memory for as many structs as the update claims to have.
 * @throws when it can't be read.
 */
export function updateEnds(update: Uint8Array): UpdateEnds {
	const ends = new Map<number, number>();
	for (const struct of decodeUpdate(update).structs) {
		if (struct instanceof Skip) continue;
		// Yjs makes none. Where it finds one, it does not get to the end of its transaction: its document takes edits from then on
		// and tells nobody of them, the log included.
		if (struct.length === 0) throw new Error("the update holds an empty struct");
		const { client, clock } = struct.id;
		const end = clock + struct.length;
		if (end > (ends.get(client) ?? 0)) ends.set(client, end);
	}
	return ends;
}

/** Whether all structs of an update have reached the document, or wait in it for others that are missing. */
export function hasArrived(document: Doc, ends: UpdateEnds): boolean {
	return document.store.pendingStructs !== null || isIntegrated(document, ends);
}

/** Whether all structs of an update are the document's. */
export function isIntegrated(document: Doc, ends: UpdateEnds): boolean {
	for (const [client, end] of ends) if (getState(document.store, client) < end) return false;
	return true;
}
