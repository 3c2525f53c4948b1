/** When a document's log is worth merging into its snapshot. Pure. */

/** What is stored of a document, as far as this node knows. */
export interface StoredSize {
	/** Update bytes in the log since the snapshot. */
	readonly logBytes: number;
	/** Log entries since the snapshot. */
	readonly logEntries: number;
	/** Size of the snapshot as a Yjs update, in bytes; 0 without one. */
	readonly snapshotBytes: number;
}

/**
 * While a document is being edited: when the log has grown as large as the snapshot. So each byte is rewritten a
 * bounded number of times per doubling of the document, and opening one reads at most about twice its size. The second
 * bound is for very small updates, whose number is what opening pays for.
 */
export function isDueBySize({ logBytes, logEntries, snapshotBytes }: StoredSize): boolean {
	return logBytes >= Math.max(256 * 1024, snapshotBytes) || logEntries >= Math.max(4096, snapshotBytes / 64);
}

/**
 * When a document has been left alone or has left memory: already when the log is an eighth of the snapshot, since
 * nothing else is waiting. Below that, rewriting a large snapshot for a few keystrokes would cost more than it saves.
 */
export function isDueByIdleness({ logBytes, logEntries, snapshotBytes }: StoredSize): boolean {
	return logBytes >= Math.max(1024, snapshotBytes / 8) || logEntries >= Math.max(256, snapshotBytes / 64);
}
