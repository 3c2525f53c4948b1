import { createHash } from "node:crypto";
import { type Doc, encodeSnapshot, snapshot } from "yjs";
import { digestBytes } from "./frames.ts";

/** What a document goes by in messages about many. */
export function documentKey(documentName: string): string {
	return hash(documentName);
}

/**
 * Two documents with the same digest hold the same edits: it covers the state vector and the delete set, which Yjs
 * encodes in an order of its own. Costs time in proportion to the document's structs. What Yjs holds back does not count.
 */
export function stateDigest(document: Doc): string {
	return hash(encodeSnapshot(snapshot(document)));
}

function hash(of: string | Uint8Array): string {
	return createHash("sha256").update(of).digest().toString("hex", 0, digestBytes);
}
