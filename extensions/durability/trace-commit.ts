import type { SpanAttributes } from "../tracing/span.ts";
import type { Trace } from "../tracing/trace.ts";
import type { CommitLog } from "./commit-log.ts";
import type { DocumentLog } from "./document-log.ts";
import type { StoredDocument } from "./store.ts";

/** Traces how what has just been appended becomes durable: it waits for its turn, then it is committed. */
export function traceCommit(trace: Trace, log: DocumentLog, commitLog: CommitLog): void {
	const { clock } = commitLog;
	const appendedMs = clock.now();
	trace.begin();
	log.listen({
		durable: () => {
			const nowMs = clock.now();
			const parent = trace.add("log", appendedMs, nowMs);
			trace.end("commit", Math.max(appendedMs, commitLog.commitStartedMs), nowMs, { parent });
		},
		abandoned: () => trace.end("log", appendedMs, clock.now(), { error: "abandoned" }),
	});
}

/** How much was read of a document. */
export function sizeOf({ snapshot, logBytes, entries }: StoredDocument): SpanAttributes {
	return {
		"indelible.snapshot_bytes": snapshot?.update.byteLength ?? 0,
		"indelible.log_bytes": logBytes,
		"indelible.log_entries": entries.length,
	};
}
