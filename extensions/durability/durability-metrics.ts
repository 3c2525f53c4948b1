import type { MetricSink } from "../metrics/metric-sink.ts";
import type { CommitLog } from "./commit-log.ts";
import type { Compactor } from "./compactor.ts";
import type { DocumentEntry } from "./document-entry.ts";
import type { DocumentRemoval } from "./document-removal.ts";

export interface DurabilityParts {
	readonly commitLog: CommitLog;
	readonly compactor: Compactor;
	readonly entries: ReadonlyMap<string, DocumentEntry>;
	readonly removal: DocumentRemoval;
}

export function declareDurabilityMetrics(
	sink: MetricSink,
	{ commitLog, compactor, entries, removal }: DurabilityParts,
): void {
	declareBacklog(sink, commitLog);
	declareCommits(sink, commitLog);
	declareLogDepth(sink, entries);
	sink.counter(
		"indelible_documents_deleted_total",
		"Documents that were deleted through this node",
		() => removal.deletions,
	);
	sink.counter(
		"indelible_deleted_documents_refused_total",
		"Times that somebody wanted to open a document that was deleted",
		() => removal.refusals,
	);
	sink.histogram(
		"indelible_compaction_duration_seconds",
		"Time to merge a log into a snapshot",
		() => compactor.durations,
	);
	sink.counter(
		"indelible_compaction_failures_total",
		"Compactions that failed and changed nothing",
		() => compactor.failures,
	);
	sink.gauge(
		"indelible_compactions_waiting",
		"Documents whose log waits to be merged, or is being merged",
		() => compactor.waiting,
	);
}

function declareBacklog(sink: MetricSink, commitLog: CommitLog): void {
	sink.gauge(
		"indelible_backlog_updates",
		"Updates that are not known to be durable",
		() => commitLog.backlogUpdates,
	);
	sink.gauge("indelible_backlog_bytes", "Memory that these take", () => commitLog.backlogBytes);
	sink.gauge(
		"indelible_backlog_age_seconds",
		"How long the oldest of them waits, at most; 0 when there is none",
		() => commitLog.backlogAgeMs / 1_000,
	);
	sink.gauge("indelible_accepting_writes", "0 while the backlog is full and writers are sent away", () =>
		commitLog.accepting ? 1 : 0,
	);
	sink.gauge("indelible_store_failing", "1 while the store takes nothing at all", () =>
		commitLog.isStoreFailing ? 1 : 0,
	);
	sink.gauge(
		"indelible_commit_running_seconds",
		"For how long the store has had a commit that it has not answered; 0 when it has none",
		() => commitLog.commitRunningMs / 1_000,
	);
	sink.gauge(
		"indelible_unwritable_documents",
		"Documents that the store does not take, while it takes others",
		() => commitLog.failedDocuments,
	);
}

function declareCommits(sink: MetricSink, commitLog: CommitLog): void {
	const { totals } = commitLog;
	sink.histogram(
		"indelible_acknowledgement_seconds",
		"From the receipt of an edit until its acknowledgement is written to the author's socket",
		() => commitLog.acknowledgements,
	);
	sink.histogram(
		"indelible_commit_duration_seconds",
		"Time that the store took for a commit that succeeded",
		() => commitLog.commitDurations,
	);
	sink.counter(
		"indelible_commit_failures_total",
		"Commits, or single documents in them, that the store did not take and that are tried again",
		() => totals.failures,
	);
	sink.counter("indelible_log_entries_total", "Log entries stored", () => totals.entries);
	sink.counter("indelible_log_updates_total", "Updates stored", () => totals.updates);
	sink.counter("indelible_log_bytes_total", "Bytes of these updates", () => totals.bytes);
}

function declareLogDepth(sink: MetricSink, entries: DurabilityParts["entries"]): void {
	const sum = (of: (entry: DocumentEntry) => number) => {
		let total = 0;
		for (const entry of entries.values()) total += of(entry);
		return total;
	};
	sink.gauge("indelible_log_depth_updates", "Updates since their snapshot, of documents in memory", () =>
		sum(({ logUpdates }) => logUpdates),
	);
	sink.gauge("indelible_log_depth_bytes", "Bytes of these updates", () => sum(({ logBytes }) => logBytes));
	sink.gauge("indelible_log_depth_updates_max", "The most that one document has", () => {
		let deepest = 0;
		for (const { logUpdates } of entries.values()) deepest = Math.max(deepest, logUpdates);
		return deepest;
	});
}
