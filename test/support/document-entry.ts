import type { Document } from "@hocuspocus/server";
import type { DocumentEntry } from "../../extensions/durability/document-entry.ts";
import { DocumentLog } from "../../extensions/durability/document-log.ts";

/** What durability keeps of a document that was never stored. */
export function newEntry(document: Document): DocumentEntry {
	return {
		document,
		log: new DocumentLog(document.name),
		loadedPosition: 0,
		readPosition: 0,
		isChangedHere: false,
		logBytes: 0,
		logUpdates: 0,
		addedBytes: 0,
		snapshotBytes: 0,
		isQuiet: true,
		compaction: { status: "none", notBeforeMs: 0 },
		pendingStructs: null,
		pendingDeletes: null,
	};
}
