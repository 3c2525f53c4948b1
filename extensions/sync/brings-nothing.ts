import { type Doc, decodeUpdate, findIndexSS } from "yjs";
import { holdsNothing } from "../durability/wire.ts";

/**
 * Whether an update has no structs, and deletes only what is deleted already. What a client that comes back has sent before ends
 * like this: it tells all deletions that it knows of. Pure.
 * @throws when the update can't be read.
 */
export function bringsNothing(document: Doc, update: Uint8Array): boolean {
	if (holdsNothing(update)) return true;
	const { store } = document;
	// The number of clients with structs comes first.
	if (update[0] !== 0 || store.pendingDs !== null) return false;
	if (holdsNothing(update)) return true;
	for (const [client, ranges] of decodeUpdate(update).ds.clients) {
		const structs = store.clients.get(client);
		if (structs === undefined) return false;
		for (const { clock, len } of ranges) {
			const last = structs.at(-1);
			if (last === undefined || clock + len > last.id.clock + last.length) return false;
			let at = findIndexSS(structs, clock);
			for (let struct = structs[at]; struct !== undefined && struct.id.clock < clock + len; ) {
				if (!struct.deleted) return false;
				at += 1;
				struct = structs[at];
			}
		}
	}
	return true;
}
