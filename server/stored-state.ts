import * as decoding from "lib0/decoding";
import * as Y from "yjs";
import type { StoredDocument } from "../extensions/durability/store.ts";
import { applyStoredUpdate, wholeState } from "../extensions/durability/stored-updates.ts";

/** A stored document as one Yjs update (V1), with what waits in it for updates that never came. */
export function stateOf(stored: StoredDocument): Uint8Array {
	return wholeState(documentOf(stored));
}

export function documentOf({ snapshot, entries }: StoredDocument): Y.Doc {
	const document = new Y.Doc({ gc: false });
	document.transact(() => {
		if (snapshot !== undefined) applyStoredUpdate(document, snapshot.update);
		for (const { updates } of entries) for (const each of updates) applyStoredUpdate(document, each);
	});
	return document;
}

/** What keeps bytes from being a Yjs update (V1), to go after "its data"; or `undefined` when they are one. */
export function faultOf(update: Uint8Array): string | undefined {
	if (update.byteLength === 0) return "has no bytes, and even an empty document's has some";
	const decoder = decoding.createDecoder(update);
	try {
		Y.readUpdate(decoder, new Y.Doc());
	} catch (error) {
		// What Yjs trips over says nothing to whoever has taken the wrong file.
		const why = error instanceof TypeError ? "" : `: ${(error as Error).message}`;
		return `is no Yjs update${why}`;
	}
	return decoding.hasContent(decoder) ? "goes on after a Yjs update" : undefined;
}
