import type { Connection, Document, Hocuspocus } from "@hocuspocus/server";
import { leaveWithLastClient } from "../linger/leaving.ts";
import { permissionDeniedFrame } from "./wire.ts";

/** As a client is told that opens a document that was deleted. */
const reason = "document-deleted";
/** Hocuspocus' code for a document that is left while its socket stays. */
const documentOnly = 1000;

/** Has documents that were deleted leave memory with all who have them open, and without being stored by anybody [DUR7]. */
export class DeletedDocuments {
	readonly #deleted = new WeakSet<Document>();
	#instance: Hocuspocus | undefined;

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

	/** A document with a direct connection stays until that is given up; who opens it meanwhile is sent away to come back. */
	end(document: Document): void {
		const instance = this.#instance;
		if (instance === undefined || this.#deleted.has(document)) return;
		this.#deleted.add(document);
		leaveWithLastClient(document);
		const pending = `onStoreDocument-${document.name}`;
		// What hooks would be told of is deleted. This takes the place of what waits, and is done at once.
		if (instance.debouncer.isDebounced(pending)) void instance.debouncer.debounce(pending, () => {}, 0, 0);
		for (const connection of document.getConnections()) deny(connection);
		// When nobody was connected, nobody's leaving has it unloaded.
		void instance.unloadDocument(document);
	}
}

/** A provider does not come back after this by itself, and its socket, on which other documents may be open, stays. */
function deny(connection: Connection): void {
	connection.send(permissionDeniedFrame(connection.messageAddress, reason));
	connection.close({ code: documentOnly, reason });
}
