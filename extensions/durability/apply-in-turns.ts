import type { Doc } from "yjs";
import { TooManyConflictsError } from "../sync/bounded-apply.ts";
import type { Clock } from "./clock.ts";
import { applyStored } from "./document-entry.ts";
import type { StoredDocument } from "./store.ts";

/** Others' items that are looked at in a turn: a tenth of a second or so. */
const itemsPerTurn = 300_000;
/** Of the time, so much is left to others meanwhile. */
const pausesPerTurn = 3;

/**
 * Applies what the store knows of a document that nobody has yet. What people have written in the same place at the same time is ordered
 * anew whenever a document is loaded; where that takes long, it is done by and by, so that it keeps nobody else waiting [TRN5].
 */
export async function applyInTurns(document: Doc, stored: StoredDocument, clock: Clock): Promise<void> {
	for (;;) {
		const startMs = clock.now();
		if (quietly(document, () => isApplied(document, stored))) return;
		const pauseMs = (clock.now() - startMs) * pausesPerTurn;
		await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
	}
}

/**
 * Without telling listeners of what changes: Yjs encodes all of it for them, and the only one there is so early is Hocuspocus' own, who has
 * nobody to send it to.
 */
function quietly<Result>(document: Doc, change: () => Result): Result {
	const listeners = document._observers.get("update");
	document._observers.delete("update");
	try {
		return change();
	} finally {
		if (listeners !== undefined) document._observers.set("update", listeners);
	}
}

/** @returns Whether that was all. */
function isApplied(document: Doc, stored: StoredDocument): boolean {
	let left = itemsPerTurn;
	const effort = {
		// However much the first one takes, so that it goes on.
		left: () => (left === itemsPerTurn ? Number.POSITIVE_INFINITY : left),
		pay: (items: number) => {
			left -= items;
		},
	};
	try {
		applyStored(document, stored, undefined, effort);
		return true;
	} catch (error) {
		if (error instanceof TooManyConflictsError) return false;
		throw error;
	}
}
