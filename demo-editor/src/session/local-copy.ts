import { IndexeddbPersistence } from "y-indexeddb";
import type * as Y from "yjs";

/** A browser that can't open its database within this time is used without. */
const openDeadlineMs = 3_000;

/** A document's copy in this browser's IndexedDB, kept up to date by itself. */
export interface LocalCopy {
	/** The origin of transactions that came from it. */
	readonly origin: unknown;
	/** Resolves when it is in the document; with false when there is no database, as in some private windows. */
	readonly loaded: Promise<boolean>;
	close(): void;
}

export function openLocalCopy(documentName: string, document: Y.Doc): LocalCopy {
	if (typeof indexedDB === "undefined") {
		return { origin: undefined, loaded: Promise.resolve(false), close: () => {} };
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
		close: () => {
			// It rejects when the database never opened; then there is nothing to close.
			persistence.destroy().catch(() => {});
		},
	};
}
