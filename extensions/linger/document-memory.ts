import type { Document } from "@hocuspocus/server";
import { unbuiltContent } from "../durability/unbuilt-documents.ts";

/** A `Document` of Hocuspocus that holds nothing, and what extensions keep beside it. */
const emptyBytes = 16 * 1024;
/** An item of Yjs with a short content takes this much of V8's heap. */
const structBytes = 200;

/**
 * About what a document takes of memory, in bytes, without reading it.
 * @param contentBytes Its size as an update.
 */
export function documentMemory(document: Document, contentBytes: number): number {
	let structs = 0;
	if (unbuiltContent(document) === undefined)
		for (const ofClient of document.store.clients.values()) structs += ofClient.length;
	return emptyBytes + structs * structBytes + contentBytes;
}
