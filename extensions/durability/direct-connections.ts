import { type Document, type Hocuspocus, isTransactionOrigin } from "@hocuspocus/server";
import type { DeletedDocuments } from "./deleted-documents.ts";
import { DeletedRefusal } from "./document-removal.ts";
import { DocumentDeletedError, StoreUnavailableError } from "./store.ts";

/** The class; the type of the same name that Hocuspocus exports is narrower. */
type DirectConnection = Awaited<ReturnType<Hocuspocus["openDirectConnection"]>>;

interface Durable {
	readonly accepting: boolean;
	durable(documentName: string): Promise<void>;
}

/**
 * Makes `await connection.transact(…)` on connections from `openDirectConnection` mean that the edit is on disk, and `await
 * connection.disconnect()` that all is which code on the server has written meanwhile in other ways. Hocuspocus waits for the
 * `onStoreDocument` hooks there, and takes no note of it when they fail.
 */
export function makeDirectConnectionsDurable(
	instance: Hocuspocus,
	durability: Durable,
	deleted: Pick<DeletedDocuments, "has">,
): void {
	const openNow = instance.openDirectConnection.bind(instance);
	const open: typeof openNow = async (documentName, context) => {
		try {
			return await openNow(documentName, context);
		} catch (error) {
			throw error instanceof DeletedRefusal ? new DocumentDeletedError(documentName) : error;
		}
	};
	instance.openDirectConnection = async (documentName, context) => {
		let connection = await open(documentName, context);
		// Hocuspocus may unload the document between finding it and connecting to it; nobody would log what is
		// written into that one.
		while (connection.document?.isDestroyed) connection = await open(documentName, context);
		return withDurableTransact(connection, durability, deleted);
	};
}

function withDurableTransact(
	connection: DirectConnection,
	durability: Durable,
	deleted: Pick<DeletedDocuments, "has">,
): DirectConnection {
	const transact = connection.transact.bind(connection);
	const disconnect = connection.disconnect.bind(connection);
	let writes = 0;
	/** So many of them are on disk. */
	let durableWrites = 0;
	const wrote = (_update: Uint8Array, origin: unknown) => {
		if (!isTransactionOrigin(origin) || origin.source === "local") writes += 1;
	};
	connection.document?.on("update", wrote);
	connection.transact = async (change: (document: Document) => void) => {
		if (!durability.accepting) {
			throw new StoreUnavailableError("the write backlog is full, so the edit was not made; try again later");
		}
		await transact(change);
		const { document } = connection;
		if (document === null) return;
		if (deleted.has(document)) throw new DocumentDeletedError(document.name);
		// Transactions have ended by now. Where Yjs has not got to the end of one, the log hears nothing of any that come after it.
		if (document._transactionCleanups.length > 0) {
			throw new StoreUnavailableError(
				"the edit can't be stored: Yjs did not survive an earlier one of this document; disconnect and open it anew",
			);
		}
		const upTo = writes;
		await durability.durable(document.name);
		if (deleted.has(document)) throw new DocumentDeletedError(document.name);
		durableWrites = Math.max(durableWrites, upTo);
	};
	connection.disconnect = async (options) => {
		const { document } = connection;
		document?.off("update", wrote);
		await disconnect(options);
		if (document !== null && durableWrites < writes && !deleted.has(document))
			await durability.durable(document.name);
	};
	return connection;
}
