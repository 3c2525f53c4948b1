import * as Y from "yjs";
import type { MemoryDisk } from "../support/memory-store.ts";

interface ReadState {
	/** The positions of the snapshot and of the last entry: what is stored there never changes. */
	readonly positions: string;
	readonly document: Y.Doc;
}

const lastRead = new WeakMap<MemoryDisk, Map<string, ReadState>>();

/** What a restarted server would read. The document is shared by those who ask: leave it as it is. */
export function durableState(disk: MemoryDisk, documentName: string): Y.Doc {
	const { snapshot, entries } = disk.read(documentName);
	const positions = `${snapshot?.position} ${entries.at(-1)?.position}`;
	const states = lastRead.get(disk) ?? new Map<string, ReadState>();
	lastRead.set(disk, states);
	const known = states.get(documentName);
	if (known?.positions === positions) return known.document;
	// Making a random identifier would take longer than all else here.
	const document = new Y.Doc({ guid: documentName });
	document.transact(() => {
		if (snapshot !== undefined) Y.applyUpdate(document, snapshot.update);
		for (const { updates } of entries) for (const update of updates) Y.applyUpdate(document, update);
	});
	states.set(documentName, { positions, document });
	return document;
}
