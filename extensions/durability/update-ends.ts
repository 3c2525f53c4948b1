import { type Doc, decodeUpdate, getState, Skip } from "yjs";
import { makesTypes } from "./nesting.ts";

const numberMax = Number.MAX_SAFE_INTEGER;

/** For each Yjs client id, the clock after the last struct that an update holds. */
export type UpdateEnds = ReadonlyMap<number, number>;

export interface UpdateRead {
	readonly ends: UpdateEnds;
	/** Whether it makes types, see {@link ./nesting.ts}. */
	readonly makesTypes: boolean;
}

/**
 * Reads an update to its end without applying it. `y-protocols` swallows an update that can't be read, and Hocuspocus
 * would acknowledge it; and Yjs reserves memory for as many structs as the update claims to have.
 * @throws when it can't be read, or must not be applied.
 */
export function readUpdate(update: Uint8Array): UpdateRead {
	const ends = new Map<number, number>();
	const { structs } = decodeUpdate(update);
	for (const struct of structs) {
		const { client, clock } = struct.id;
		const end = clock + struct.length;
		// Where numbers are no longer exact, Yjs does not find again what it has stored.
		if (!(client < numberMax && end < numberMax))
			throw new Error("the update counts further than numbers go");
		if (struct instanceof Skip) continue;
		// Yjs makes none. Where it finds one, it does not get to the end of its transaction: its document takes edits from then on
		// and tells nobody of them, the log included.
		if (struct.length === 0) throw new Error("the update holds an empty struct");
		if (end > (ends.get(client) ?? 0)) ends.set(client, end);
	}
	return { ends, makesTypes: makesTypes(structs) };
}

/** {@link readUpdate}, for its ends alone. */
export function updateEnds(update: Uint8Array): UpdateEnds {
	return readUpdate(update).ends;
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
