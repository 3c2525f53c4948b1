import * as Y from "yjs";
import type { ReadDocument } from "./document-reader.ts";
import { readFramed } from "./framing.ts";

/** An update that is stored whole but means nothing to Yjs. The message says which. */
export class MeaninglessUpdate extends Error {
	override readonly name = "MeaninglessUpdate";
}

/**
 * One update (V1) with all that the snapshot and the log say, updates that still wait for others included.
 * @param gc As `Y.Doc`'s option: whether deleted content may go.
 * @throws {MeaninglessUpdate}
 */
export function merge({ snapshot, entries }: ReadDocument, gc: boolean): Uint8Array {
	const document = new Y.Doc({ gc });
	// One transaction for all: Yjs tidies up once at its end, and not after every keystroke.
	document.transact(() => {
		if (snapshot !== undefined) apply(document, snapshot.update, snapshot.position);
		for (const { position, payload } of entries) {
			for (const update of readFramed(payload)) apply(document, update, position);
		}
	});
	const merged = Y.encodeStateAsUpdate(document);
	document.destroy();
	return merged;
}

function apply(document: Y.Doc, update: Uint8Array, position: number): void {
	try {
		Y.applyUpdate(document, update);
	} catch (cause) {
		throw new MeaninglessUpdate(`an update at position ${position} is none that Yjs understands`, { cause });
	}
}
