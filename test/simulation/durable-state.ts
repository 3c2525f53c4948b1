import * as Y from "yjs";
import type { MemoryDisk } from "../support/memory-store.ts";

/** What a restarted server would read. */
export function durableState(disk: MemoryDisk, documentName: string): Y.Doc {
	const { snapshot, entries } = disk.read(documentName);
	const document = new Y.Doc();
	document.transact(() => {
		if (snapshot !== undefined) Y.applyUpdate(document, snapshot.update);
		for (const { updates } of entries) for (const update of updates) Y.applyUpdate(document, update);
	});
	return document;
}
