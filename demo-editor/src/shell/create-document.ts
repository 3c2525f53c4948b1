import { type DocumentKind, documentPath, newDocumentName } from "../document-name.ts";
import { navigate } from "../navigation.ts";
import { rememberCreated } from "../recent-documents.ts";

/** Makes a document and goes there. It needs no server: it is one as soon as somebody writes into it. */
export function createDocument(kind: DocumentKind): void {
	const name = newDocumentName(kind, crypto.getRandomValues(new Uint8Array(16)));
	rememberCreated(name);
	navigate(documentPath(name));
}
