import * as Y from "yjs";
import type { LogEntry, Snapshot } from "./store.ts";
import { applyStoredUpdate, HeldBack, wholeState } from "./stored-updates.ts";

/** An update that is stored whole but means nothing to Yjs. The message says which. */
export class MeaninglessUpdate extends Error {
	override readonly name = "MeaninglessUpdate";
}

/**
 * One update (V1) with all that a snapshot and the log after it say, what still waits for missing updates included.
 * @param gc As `Y.Doc`'s option: whether deleted content may go.
 * @throws {MeaninglessUpdate}
 */
export function merge(
	stored: { readonly snapshot: Snapshot | undefined; readonly entries: readonly LogEntry[] },
	gc: boolean,
): Uint8Array {
	const document = new Y.Doc({ gc });
	// One transaction for all: Yjs tidies up once at its end, and not after every keystroke.
	document.transact(() => {
		const heldBack = new HeldBack(document);
		if (stored.snapshot !== undefined) apply(document, stored.snapshot.update, stored.snapshot.position);
		heldBack.setAside();
		for (const { position, updates } of stored.entries) {
			for (const update of updates) {
				apply(document, update, position);
				heldBack.setAside();
			}
		}
		heldBack.putBack();
	});
	const merged = wholeState(document);
	document.destroy();
	return merged;
}

function apply(document: Y.Doc, update: Uint8Array, position: number): void {
	try {
		applyStoredUpdate(document, update);
	} catch (cause) {
		throw new MeaninglessUpdate(`an update at position ${position} is none that Yjs understands`, { cause });
	}
}
