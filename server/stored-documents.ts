import type { StoredDocuments } from "./documents-routes.ts";
import type { IndelibleNode } from "./node.ts";

/** The stored documents of a node, as operators have them. */
export function storedDocumentsOf({ durability, hocuspocus }: IndelibleNode): StoredDocuments {
	return {
		list: (query) => durability.list(query),
		delete: (documentName) => durability.delete(documentName),
		free: (documentName) => durability.free(documentName),
		// 0 until the first one.
		editedMs: (documentName) => hocuspocus.documents.get(documentName)?.lastChangeTime || undefined,
	};
}
