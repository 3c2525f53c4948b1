/** When a document's log is worth merging into its snapshot. Pure. */

/** What is stored of a document, as far as this node knows. */
export interface StoredSize {
	/** Update bytes in the log since the snapshot. */
	readonly logBytes: number;
	/** Updates in the log since the snapshot. */
	readonly logUpdates: number;
	/** Size of the snapshot as a Yjs update, in bytes; 0 without one. */
	readonly snapshotBytes: number;
}

/** Of a document that is being edited. */
interface GrowingSize extends StoredSize {
	/** Of {@link logBytes}, those of updates that {@link onlyAdds}, as far as anybody knows. */
	readonly addedBytes: number;
}

export interface CompactionThresholds {
	/** While a document is being edited, logs smaller than this are left alone, in bytes. */
	readonly busyBytesMin: number;
	/** The same as a number of updates. */
	readonly busyUpdatesMin: number;
	/** The same for a document that is left alone or leaves memory. */
	readonly idleBytesMin: number;
	readonly idleUpdatesMin: number;
	/** How long nobody edits a document before it counts as left alone, in ms. */
	readonly idleMs: number;
}

export const defaultThresholds: CompactionThresholds = {
	busyBytesMin: 256 * 1024,
	busyUpdatesMin: 4096,
	idleBytesMin: 1024,
	idleUpdatesMin: 256,
	idleMs: 30_000,
};

/** The size of a snapshot for which one more update in the log adds about as much to opening it, in bytes. */
const snapshotBytesPerUpdate = 64;
/** A log is worth merging when idle once it is this part of the snapshot. */
const idleFraction = 1 / 8;
/** Of what is larger, opening pays for its bytes alone, wherever they are. */
const largeBytesMin = 16 * 1024;
/** While a document is being edited, what was only added waits until the log is so many times as large as the snapshot. */
const addedSnapshots = 4;
/** The same for the size below which logs are left alone. */
const addedMins = 16;
/** Of more, what may have been deleted since would take too long to read, in bytes. */
const addedBytesMax = 32 * 1024 * 1024;

/**
 * Whether nothing is saved by merging an update, except that a snapshot is compressed: it is large and deletes nothing, as when
 * somebody adds a picture.
 */
export function onlyAdds(updateBytes: number, deletes: boolean): boolean {
	return updateBytes >= largeBytesMin && !deletes;
}

/**
 * While a document is being edited: when the log has grown as large as the snapshot. So each byte is rewritten a
 * bounded number of times per doubling of the document, and opening one reads at most about twice its size. What was only
 * added waits longer, and not for ever, as it may have been deleted since. The last bound is for very small updates, whose
 * number is what opening pays for.
 */
export function isDueBySize(
	{ logBytes, logUpdates, snapshotBytes, addedBytes }: GrowingSize,
	{ busyBytesMin, busyUpdatesMin }: CompactionThresholds,
): boolean {
	const addedMax = Math.min(snapshotBytes * addedSnapshots, addedBytesMax);
	return (
		logBytes - addedBytes >= Math.max(busyBytesMin, snapshotBytes) ||
		logBytes >= Math.max(busyBytesMin * addedMins, snapshotBytes, addedMax) ||
		logUpdates >= Math.max(busyUpdatesMin, snapshotBytes / snapshotBytesPerUpdate)
	);
}

/**
 * When a document has been left alone or has left memory: sooner, since nothing else is waiting. Below that, rewriting
 * a large snapshot for a few keystrokes, or for a picture, would cost more than it saves.
 */
export function isDueByIdleness(
	{ logBytes, logUpdates, snapshotBytes, addedBytes }: GrowingSize,
	{ idleBytesMin, idleUpdatesMin }: CompactionThresholds,
): boolean {
	return (
		logBytes - addedBytes >= Math.max(idleBytesMin, snapshotBytes * idleFraction) ||
		logBytes >= Math.max(idleBytesMin, snapshotBytes) ||
		logUpdates >= Math.max(idleUpdatesMin, snapshotBytes / snapshotBytesPerUpdate)
	);
}
