import { IndexeddbPersistence } from "y-indexeddb";
import type * as Y from "yjs";

/** A browser that can't open its database within this time is used without. */
const openDeadlineMs = 3_000;

const noDatabase = new Error("this browser keeps nothing");

/** A document's copy in this browser's IndexedDB, kept up to date by itself. */
export interface LocalCopy {
	/** The origin of transactions that came from it. */
	readonly origin: unknown;
	/** Resolves when it is in the document; with false when there is no database, as in some private windows. */
	readonly loaded: Promise<boolean>;
	/** Resolves when all of the document's updates so far are in it; not where there is no database. */
	kept(): Promise<void>;
	close(): void;
}

export function openLocalCopy(documentName: string, document: Y.Doc): LocalCopy {
	if (typeof indexedDB === "undefined") {
		return {
			origin: undefined,
			loaded: Promise.resolve(false),
			kept: () => Promise.reject(noDatabase),
			close: () => {},
		};
	}
	const persistence = new IndexeddbPersistence(`indelible:${documentName}`, document);
	const deadline = new Promise<false>((resolve) => setTimeout(() => resolve(false), openDeadlineMs));
	const loaded = persistence.whenSynced.then(
		() => true,
		() => false,
	);
	return {
		origin: persistence,
		loaded: Promise.race([loaded, deadline]),
		kept: async () => {
			if (!(await loaded) || persistence.db === null) throw noDatabase;
			await afterWritesOf(persistence.db);
		},
		close: () => {
			// It rejects when the database never opened; then there is nothing to close.
			persistence.destroy().catch(() => {});
		},
	};
}

/** Transactions of one store have their turn one after the other: who may read has those before it behind them. */
function afterWritesOf(database: IDBDatabase): Promise<void> {
	return new Promise((resolve, reject) => {
		const [store] = database.objectStoreNames;
		if (store === undefined) return resolve();
		const request = database.transaction(database.objectStoreNames, "readonly").objectStore(store).getKey(0);
		request.onsuccess = () => resolve();
		request.onerror = () => reject(request.error);
	});
}
