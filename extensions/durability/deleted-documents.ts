import type { Connection, Document, Hocuspocus } from "@hocuspocus/server";
import { leaveWithLastClient } from "../linger/leaving.ts";
import { permissionDeniedFrame } from "./wire.ts";

/** As a client is told that opens a document that was deleted. */
const reason = "document-deleted";
/** Hocuspocus' code for a document that is left while its socket stays. */
const documentOnly = 1000;

/**
 * Has documents that were deleted leave memory at once, with all who have them open and without being stored by anybody [DUR7]. The
 * next one of the name may be opened in the next moment.
 */
export class DeletedDocuments {
	readonly #deleted = new WeakSet<Document>();
	#instance: Hocuspocus | undefined;
	#listener: ((document: Document) => void) | undefined;

	watch(instance: Hocuspocus): void {
		this.#instance = instance;
		const unload = instance.unloadDocument.bind(instance);
		// Hocuspocus goes by the name, which may be that of the next document by now.
		instance.unloadDocument = async (document) => {
			if (instance.documents.get(document.name) === document) await unload(document);
		};
		const store = instance.storeDocumentHooks.bind(instance);
		instance.storeDocumentHooks = (document, payload, immediately) =>
			this.#deleted.has(document) ? instance.unloadDocument(document) : store(document, payload, immediately);
	}

	/** Has `listener` told first of all, and at once. */
	listen(listener: (document: Document) => void): void {
		this.#listener = listener;
	}

	has(document: Document): boolean {
		return this.#deleted.has(document);
	}

	/** Direct connections to it are left with a document that nobody sees. */
	end(document: Document): void {
		const instance = this.#instance;
		if (instance === undefined || this.#deleted.has(document)) return;
		this.#deleted.add(document);
		this.#listener?.(document);
		leaveWithLastClient(document);
		const pending = `onStoreDocument-${document.name}`;
		// What hooks would be told of is deleted. This takes the place of what waits, and is done at once.
		if (instance.debouncer.isDebounced(pending)) void instance.debouncer.debounce(pending, () => {}, 0, 0);
		for (const connection of document.getConnections()) deny(connection);
		remove(instance, document);
	}

	/** Somebody was about to open it. */
	turnAway(connection: Connection): void {
		// Whoever made the connection looks after its end from the end of this turn on.
		queueMicrotask(() => deny(connection));
	}
}

/** A provider does not come back after this by itself, and its socket, on which other documents may be open, stays. */
function deny(connection: Connection): void {
	connection.send(permissionDeniedFrame(connection.messageAddress, reason));
	connection.close({ code: documentOnly, reason });
}

/** As Hocuspocus 4.7 does when it unloads a document, but for asking anybody. */
function remove(instance: Hocuspocus, document: Document): void {
	const { documents, unloadingDocuments } = instance;
	const documentName = document.name;
	if (documents.get(documentName) !== document || unloadingDocuments.has(documentName)) return;
	documents.delete(documentName);
	// For those who keep documents when they would leave; of Hocuspocus' own part nothing is left to do.
	void instance.unloadDocument(document);
	document.destroy();
	instance.hooks("afterUnloadDocument", { instance, documentName }).catch(() => {
		// Hocuspocus has printed it.
	});
}
