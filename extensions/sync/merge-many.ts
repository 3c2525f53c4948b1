import { mergeUpdates } from "yjs";

/** Yjs 13.6 sorts all updates that it merges after each struct that it takes from one of them, so it is given few at a time. */
const atOnce = 16;

/** Merges any number of updates, at least one. */
export function mergeMany(updates: readonly Uint8Array[]): Uint8Array {
	if (updates.length <= atOnce) return mergeUpdates([...updates]);
	const merged: Uint8Array[] = [];
	for (let at = 0; at < updates.length; at += atOnce)
		merged.push(mergeUpdates(updates.slice(at, at + atOnce)));
	return mergeMany(merged);
}
