import type { StoredSize } from "./compaction-policy.ts";
import type { DocumentEntry } from "./document-entry.ts";
import type { StoredDocument } from "./store.ts";

/** Facts for operators. */

export interface DocumentStats {
	/** Size of the snapshot as a Yjs update. */
	readonly snapshotBytes: number;
	/** Bytes of the updates in the log since the snapshot. */
	readonly logBytes: number;
	readonly logUpdates: number;
	/** Of the newest log entry that is known here. */
	readonly position: number;
	/** Updates that this server has logged since the document came into memory. */
	readonly appended: number;
	/** Of these, not known to be durable. */
	readonly waiting: number;
	readonly isCompacting: boolean;
	/** Why it can't be written, while it alone can't. */
	readonly failure: string | undefined;
}

export function statsOf(entry: DocumentEntry): DocumentStats {
	const { log, snapshotBytes, logBytes, logUpdates } = entry;
	return {
		snapshotBytes,
		logBytes,
		logUpdates,
		position: Math.max(log.position, entry.readPosition),
		appended: log.appended,
		waiting: log.appended - log.durable,
		isCompacting: entry.compaction.status === "running",
		failure: log.failure?.error.message,
	};
}

export function sizeOfStored({ snapshot, entries, logBytes }: StoredDocument): StoredSize {
	const logUpdates = entries.reduce((sum, { updates }) => sum + updates.length, 0);
	return { snapshotBytes: snapshot?.update.byteLength ?? 0, logBytes, logUpdates };
}

/** What keeps single documents from being written; empty when all is well. */
export function whyUnwritable(failedDocuments: number): string[] {
	if (failedDocuments === 0) return [];
	return [
		failedDocuments === 1
			? "1 document can't be written; the log names it"
			: `${failedDocuments} documents can't be written; the log names them`,
	];
}
