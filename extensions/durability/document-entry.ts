import type { Document } from "@hocuspocus/server";
import * as Y from "yjs";
import type { DocumentLog } from "./document-log.ts";
import type { LogEntry, StoredDocument } from "./store.ts";

/** A document in memory, with what durability keeps beside it. */
export interface DocumentEntry {
	readonly document: Document;
	readonly log: DocumentLog;
	/** The last position that was stored when the document was loaded; 0 for one that never was. */
	readonly loadedPosition: number;
	/** What is stored up to this position has been applied here; there may be more of it. */
	readPosition: number;
	/** Whether anything but other nodes has changed it since it was loaded. */
	isChangedHere: boolean;
	logBytes: number;
	logUpdates: number;
	snapshotBytes: number;
	lastAppendMs: number;
	compaction: { readonly status: "running" } | { readonly status: "none"; readonly notBeforeMs: number };
	/** What Yjs was holding back the last time we looked. */
	pendingStructs: Y.Doc["store"]["pendingStructs"];
	pendingDeletes: Y.Doc["store"]["pendingDs"];
}

/**
 * Applies what the store knows in one Yjs transaction. It is logged already: call it before somebody follows the
 * document, or give it an origin that says so.
 */
export function applyStored(document: Y.Doc, { snapshot, entries }: StoredDocument, origin?: unknown): void {
	document.transact(() => {
		if (snapshot !== undefined) Y.applyUpdate(document, snapshot.update);
		applyEntries(document, entries, origin);
	}, origin);
}

/** As {@link applyStored}, for entries alone. */
export function applyEntries(document: Y.Doc, entries: readonly LogEntry[], origin?: unknown): void {
	if (entries.length === 0) return;
	document.transact(() => {
		for (const { updates } of entries) {
			for (const update of updates) Y.applyUpdate(document, update);
		}
	}, origin);
}

/**
 * What Yjs has taken but holds back, because it depends on updates that have not come yet, if that changed since the
 * last call. It emits no `update` event for it, yet its sender is acknowledged, so it belongs into the log too.
 * @returns Updates (V1).
 */
export function takeHeldBack(entry: DocumentEntry): Uint8Array[] {
	const { pendingStructs, pendingDs } = entry.document.store;
	const updates: Uint8Array[] = [];
	if (pendingStructs !== entry.pendingStructs) {
		entry.pendingStructs = pendingStructs;
		if (pendingStructs !== null) updates.push(Y.convertUpdateFormatV2ToV1(pendingStructs.update));
	}
	if (pendingDs !== entry.pendingDeletes) {
		entry.pendingDeletes = pendingDs;
		if (pendingDs !== null) updates.push(Y.convertUpdateFormatV2ToV1(pendingDs));
	}
	return updates;
}
