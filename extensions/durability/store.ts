/**
 * Where the log and the snapshots of documents live.
 *
 * A store knows nothing of Hocuspocus, sockets or acknowledgements. It keeps, for each document, at most one
 * snapshot and the log entries after it. Positions number a document's entries 1, 2, 3, … without gaps; a
 * snapshot carries the position of the last entry it covers, and 0 means that nothing was ever stored.
 */

/** What is to be added to one document's log: it becomes one entry. */
export interface AppendRequest {
	readonly documentName: string;
	/** Yjs updates (V1), in the order in which they were applied. Never empty. */
	readonly updates: readonly Uint8Array[];
	/** Of the document that the updates are of, as {@link StoredDocument} had it; 0 by default. */
	readonly generation?: number | undefined;
}

/** What became of one {@link AppendRequest}. */
export type AppendResult =
	| { readonly status: "durable"; readonly position: number }
	/** Nothing of this request was written, and it may be tried again. Other documents' requests were not touched. */
	| { readonly status: "failed"; readonly error: Error }
	/** Nothing was written, and trying again is of no use: the document of this generation was deleted [DUR7]. */
	| { readonly status: "deleted" };

export interface LogEntry {
	readonly position: number;
	/** Yjs updates (V1), in order. */
	readonly updates: readonly Uint8Array[];
}

export interface Snapshot {
	/** The position of the last log entry that the snapshot covers. */
	readonly position: number;
	/** One Yjs update (V1) that holds the whole state. */
	readonly update: Uint8Array;
}

export interface StoredDocument {
	readonly snapshot: Snapshot | undefined;
	/** The entries after the snapshot, in order and without a gap. */
	readonly entries: readonly LogEntry[];
	/** The last position in use; 0 when the document was never stored. */
	readonly position: number;
	/** Size of the updates in `entries`, in bytes. */
	readonly logBytes: number;
	/**
	 * Tells documents apart that had the same name one after the other: each deletion raises it. Whoever appends names it, so that what
	 * was deleted can't come back from the memory of a node that did not hear of it. 0 when it is not given.
	 */
	readonly generation?: number | undefined;
}

export interface CompactOptions {
	/**
	 * Whether deleted content may be dropped, as `Y.Doc`'s option of the same name. Must be `false` for documents
	 * that keep their history.
	 */
	readonly gc: boolean;
}

export type CompactionResult =
	/** The log was empty: there was nothing to merge. */
	| { readonly status: "unchanged"; readonly position: number }
	| {
			readonly status: "compacted";
			/** The new snapshot's position: every entry up to here was merged and removed. */
			readonly position: number;
			readonly entriesMerged: number;
			/** Size of the snapshot as a Yjs update, in bytes. */
			readonly snapshotBytes: number;
			/** Size of the snapshot as stored, in bytes. */
			readonly storedBytes: number;
	  };

export interface Store {
	/** Human-readable place, without secrets, for logs: a path or a host. */
	readonly location: string;

	/**
	 * Makes the store ready: creates or upgrades the schema, takes the locks it needs.
	 * @throws {StoreConfigurationError} when this can never work as configured (a newer schema, locked by another
	 * process, a folder that can't be written).
	 */
	open(): Promise<void>;

	/** Documents are about to be read: whatever that takes and can be done before may begin. Does not wait, and does not throw. */
	expectLoads?(): void;

	/**
	 * Reads a document as one consistent state.
	 * @throws {DamagedDocumentError} when a checksum does not match, an entry is missing, or a page can't be read.
	 * @throws {StoreUnavailableError} when the store can't be read now.
	 * @throws {DocumentDeletedError} when it was deleted, and its name was not freed since.
	 */
	load(documentName: string): Promise<StoredDocument>;

	/**
	 * Adds one log entry per request. Resolves when every request that is reported as durable would survive a
	 * `kill -9` and a loss of power (fsynced); the results stand in the order of the requests. A batch names a document
	 * at most once. Batches must not overlap: wait for one before you send the next.
	 * @throws {StoreUnavailableError} when it is not known to be durable: nothing may be acknowledged, and the whole
	 * batch is to be tried again. An entry written twice does no harm, because Yjs updates are idempotent.
	 */
	append(batch: readonly AppendRequest[]): Promise<readonly AppendResult[]>;

	/**
	 * Merges the snapshot and the log into a new snapshot, and removes exactly the entries merged, in one transaction
	 * [DUR4]. The merge runs off the event loop and does not hold up `append`. Entries appended meanwhile stay.
	 * @throws {DamagedDocumentError} when what is stored does not read back whole; nothing was changed then.
	 * @throws {StoreUnavailableError}
	 * @throws {DocumentDeletedError}
	 */
	compact(documentName: string, options: CompactOptions): Promise<CompactionResult>;

	/** Lets go of everything. What `append` reported as durable stays so; calls after this reject. */
	close(): Promise<void>;

	/** There when several nodes can share the store, so that each can read what the others append. */
	readonly follow?: Follow;

	/** There when the store can say which documents it has, and delete them. */
	readonly catalogue?: Catalogue;
}

export interface CatalogueQuery {
	/** Only names that begin with it; all by default. */
	readonly prefix?: string | undefined;
	/** Only names behind this one. */
	readonly after?: string | undefined;
	/** Documents, at most. */
	readonly limit: number;
}

export interface ListedDocument {
	readonly name: string;
	/** What its snapshot and its log take in the store, in bytes. */
	readonly bytes: number;
}

export interface DocumentPage {
	/** In the order of the bytes of their names in UTF-8. */
	readonly documents: readonly ListedDocument[];
	/** Whether there are more behind the last one. */
	readonly hasMore: boolean;
}

export interface DeleteOptions {
	/** Whether to delete it though nothing is stored under the name: nothing will be from now on. */
	readonly evenIfUnknown?: boolean | undefined;
}

export type DeleteResult =
	| {
			readonly status: "deleted" | "deleted-before";
			/** Documents of lower generations are those that were deleted. */
			readonly generation: number;
	  }
	/** Nothing is stored under this name. */
	| { readonly status: "unknown" };

/**
 * Which documents there are, and an end to them [DUR7]. What is deleted is removed, damaged or not, and a mark stays behind that
 * refuses the name, without naming it. Only between `open` and `close`.
 */
export interface Catalogue {
	/** @throws {StoreUnavailableError} */
	list(query: CatalogueQuery): Promise<DocumentPage>;

	/**
	 * Removes a document and marks its name in one transaction. Durable, as an append is, when it resolves: from then on whatever is
	 * appended to a document of a lower generation is refused, whichever node it comes from.
	 * @throws {StoreUnavailableError} when it is not known whether it was done. Doing it twice does no harm.
	 */
	delete(documentName: string, options?: DeleteOptions): Promise<DeleteResult>;

	/**
	 * Lets a name that was deleted be used again, for a document that was never stored. Durable when it resolves.
	 * @returns Whether it was marked as deleted.
	 * @throws {StoreUnavailableError}
	 */
	free(documentName: string): Promise<boolean>;
}

/** What a node knows of a document, and from where on it wants more. */
export interface FollowRequest {
	readonly documentName: string;
	/** The last position that it has read; 0 for none. */
	readonly position: number;
	/** See {@link StoredDocument.generation}. */
	readonly generation?: number | undefined;
}

export type FollowResult =
	| {
			readonly status: "entries";
			/** Those after the position asked for, in order and without a gap; the asking node's own are among them. */
			readonly entries: readonly LogEntry[];
			/** The last position in use: ask from here next time. */
			readonly position: number;
	  }
	/**
	 * Some of the entries asked for were merged into a snapshot and removed, or the last position in use is lower than the one
	 * asked for, because the store has lost entries: load the document anew.
	 */
	| { readonly status: "passed"; readonly position: number }
	/** What is stored does not read back whole; other documents' results are not touched. */
	| { readonly status: "damaged"; readonly error: DamagedDocumentError }
	/** The document of this generation was deleted. */
	| { readonly status: "deleted" };

/**
 * What a node that follows the store hears. None of it is certain to arrive, so it only saves time: whoever must not
 * miss anything also asks from time to time.
 */
export type FollowSignal =
	/** Another node has announced appends, or that it is there. */
	| {
			readonly type: "announced";
			/** What that node gave as {@link Follow.announce}'s second parameter. */
			readonly isFollowing: boolean;
			/** `false` when nothing was appended to this document; `true` may be wrong. */
			readonly concerns: (documentName: string) => boolean;
	  }
	/** From now on announcements arrive. Those before did not: ask once. */
	| { readonly type: "listening" }
	/** Announcements do not arrive until the next `listening`: ask every now and then. */
	| { readonly type: "deaf"; readonly error: StoreUnavailableError };

/** Reading along with what other nodes append. Only between `open` and `close`. */
export interface Follow {
	/**
	 * Reads what was appended after the positions, by any node, as one consistent state.
	 * @returns A result for each request, in their order.
	 * @throws {StoreUnavailableError}
	 */
	entriesAfter(requests: readonly FollowRequest[]): Promise<readonly FollowResult[]>;

	/**
	 * Hears what other nodes announce.
	 * @param listener Must not throw.
	 * @returns Ends it.
	 */
	listen(listener: (signal: FollowSignal) => void): () => void;

	/**
	 * How many nodes listen now that are joined in the same way as this one, which is among them once it listens.
	 * @throws {StoreUnavailableError}
	 */
	members(): Promise<number>;

	/**
	 * Tells those who listen on other nodes that these documents were appended to; without any, that this node is there.
	 * Does not wait, and a failure is the same as nobody listening.
	 * @param isFollowing Whether this node learns of others' edits through the store, and so depends on announcements.
	 */
	announce(documentNames: Iterable<string>, isFollowing: boolean): void;
}

/** A document's snapshot or log does not read back as it was written. It must not be opened or written over. */
export class DamagedDocumentError extends Error {
	override readonly name = "DamagedDocumentError";
	/** Hocuspocus sends this to the client in its PermissionDenied message. */
	readonly reason: string;
	readonly documentName: string;

	/** @param detail What is damaged and where, for the operator: "the log entry at position 12 …". */
	constructor(documentName: string, detail: string, options?: ErrorOptions) {
		super(
			`document ${JSON.stringify(documentName)} is damaged: ${detail}. It was left as it is; see docs/operations.md.`,
			options,
		);
		this.documentName = documentName;
		this.reason = "document-damaged";
	}
}

/** The document was deleted, and nothing can be stored under its name until that is freed [DUR7]. */
export class DocumentDeletedError extends Error {
	override readonly name = "DocumentDeletedError";
	/** Hocuspocus sends this to the client in its PermissionDenied message. */
	readonly reason = "document-deleted";
	readonly documentName: string;

	constructor(documentName: string) {
		super(
			`document ${JSON.stringify(documentName)} was deleted. Its name stays refused until it is freed; see docs/operations.md.`,
		);
		this.documentName = documentName;
	}
}

/** The store can't do this now; the same call may succeed later. */
export class StoreUnavailableError extends Error {
	override readonly name = "StoreUnavailableError";
	/** Hocuspocus sends this to the client in its PermissionDenied message. */
	readonly reason = "store-unavailable";
	/** The store's own code, such as `SQLITE_FULL` or `ENOSPC`, if it has one. */
	readonly code: string | undefined;

	/** @param message What failed, for the operator. */
	constructor(message: string, options?: ErrorOptions & { code?: string }) {
		super(message, options);
		this.code = options?.code;
	}
}

/** The store can't work as it is configured; trying again won't help. */
export class StoreConfigurationError extends Error {
	override readonly name = "StoreConfigurationError";
}
