import type { Clock } from "./clock.ts";
import type { CommitLog } from "./commit-log.ts";
import { type CompactionThresholds, isDueByIdleness, isDueBySize, onlyAdds } from "./compaction-policy.ts";
import type { Compactor } from "./compactor.ts";
import type { DocumentEntry } from "./document-entry.ts";

/** After a compaction failed, so that a document that can't be compacted is not tried with every edit. */
const failedCompactionPauseMs = 60_000;

export interface DocumentCompactionOptions {
	readonly commitLog: CommitLog;
	readonly compactor: Compactor;
	readonly clock: Clock;
	readonly thresholds: CompactionThresholds;
}

/** Has documents of this server compacted when they are due, and keeps the accounts of what is stored of them. */
export class DocumentCompaction {
	readonly #options: DocumentCompactionOptions;

	constructor(options: DocumentCompactionOptions) {
		this.#options = options;
	}

	/** An edit was logged. @param deletes Whether it deletes something, for all that is known. */
	appended(entry: DocumentEntry, updateBytes: number, deletes: boolean): void {
		entry.logBytes += updateBytes;
		entry.logUpdates += 1;
		if (onlyAdds(updateBytes, deletes)) entry.addedBytes += updateBytes;
		if (isDueBySize(entry, this.#options.thresholds)) this.#compact(entry);
	}

	/** Nobody has edited it for a while. */
	idle(entry: DocumentEntry): void {
		if (isDueByIdleness(entry, this.#options.thresholds)) this.#compact(entry);
	}

	#compact(entry: DocumentEntry): void {
		const { commitLog, clock } = this.#options;
		if (
			entry.log.isDeleted ||
			entry.compaction.status === "running" ||
			clock.now() < entry.compaction.notBeforeMs
		)
			return;
		entry.compaction = { status: "running" };
		// What is not written yet can't be merged, and must not be counted as if it were.
		commitLog.durable(entry.document.name).then(
			() => this.#request(entry),
			() => {
				// The log was closed; nothing is compacted any more.
			},
		);
	}

	#request(entry: DocumentEntry): void {
		const { compactor, clock } = this.#options;
		const { logBytes, logUpdates, addedBytes } = entry;
		const isRequested = compactor.request(entry.document.name, {
			gc: entry.document.gc,
			done: (result) => {
				if (result === undefined) {
					entry.compaction = { status: "none", notBeforeMs: clock.now() + failedCompactionPauseMs };
					return;
				}
				entry.compaction = { status: "none", notBeforeMs: 0 };
				// What was appended since is still in the log.
				entry.logBytes -= logBytes;
				entry.logUpdates -= logUpdates;
				entry.addedBytes -= addedBytes;
				if (result.status === "compacted") entry.snapshotBytes = result.snapshotBytes;
			},
		});
		// It may still be under way from an earlier stay in memory: the next edit asks again.
		if (!isRequested) entry.compaction = { status: "none", notBeforeMs: 0 };
	}
}
