import type { SpanAttributes } from "../tracing/span.ts";
import type { Trace } from "../tracing/trace.ts";
import type { CommitLog } from "./commit-log.ts";
import type { DocumentLog } from "./document-log.ts";
import type { StoredDocument } from "./store.ts";

/** Traces that wait for a commit, at most: while a store is away it takes nothing, however many edits come. */
const waitingMax = 500;

/** Traces how what has just been appended becomes durable: it waits for its turn, then it is committed. */
export class CommitTraces {
	readonly #commitLog: Pick<CommitLog, "clock" | "commitStartedMs">;
	#waiting = 0;

	constructor(commitLog: Pick<CommitLog, "clock" | "commitStartedMs">) {
		this.#commitLog = commitLog;
	}

	/** What has just been appended belongs to this trace. When too many wait already, its way to the disk is left out. */
	follow(trace: Trace, log: DocumentLog): void {
		if (this.#waiting >= waitingMax) return;
		const { clock } = this.#commitLog;
		const appendedMs = clock.now();
		trace.begin();
		this.#waiting += 1;
		log.listen({
			durable: () => {
				this.#waiting -= 1;
				const nowMs = clock.now();
				const parent = trace.add("log", appendedMs, nowMs);
				const startedMs = Math.max(appendedMs, this.#commitLog.commitStartedMs);
				trace.end("commit", startedMs, nowMs, { parent });
			},
			abandoned: () => {
				this.#waiting -= 1;
				trace.end("log", appendedMs, clock.now(), { error: "abandoned" });
			},
		});
	}
}

/** How much was read of a document. */
export function sizeOf({ snapshot, logBytes, entries }: StoredDocument): SpanAttributes {
	return {
		"indelible.snapshot_bytes": snapshot?.update.byteLength ?? 0,
		"indelible.log_bytes": logBytes,
		"indelible.log_entries": entries.length,
	};
}
