import * as Y from "yjs";
import type { LogEntry, Snapshot } from "./store.ts";
import { StoredUpdates, wholeState } from "./stored-updates.ts";

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
		const updates = new StoredUpdates(document);
		if (stored.snapshot !== undefined) apply(updates, stored.snapshot.update, stored.snapshot.position);
		for (const { position, updates: ofEntry } of stored.entries)
			for (const update of ofEntry) apply(updates, update, position);
		end(updates);
	});
	const merged = wholeState(document);
	document.destroy();
	return merged;
}

function apply(updates: StoredUpdates, update: Uint8Array, position: number): void {
	try {
		updates.apply(update);
	} catch (cause) {
		throw new MeaninglessUpdate(`an update at position ${position} is none that Yjs understands`, { cause });
	}
}

function end(updates: StoredUpdates): void {
	try {
		updates.end();
	} catch (cause) {
		throw new MeaninglessUpdate("what waits for something that is missing is nothing that Yjs understands", {
			cause,
		});
	}
}
