import { Histogram } from "../metrics/histogram.ts";
import { Backlog } from "./backlog.ts";
import { type Backoff, backoffDelayMs, defaultBackoff } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { CommitLogEvent } from "./commit-log-event.ts";
import { CommitPace } from "./commit-pace.ts";
import { DocumentLog } from "./document-log.ts";
import { type AppendResult, DocumentDeletedError, type Store, StoreUnavailableError } from "./store.ts";

export interface CommitLogOptions {
	readonly store: Store;
	readonly clock: Clock;
	/** Memory for updates that are not durable yet, in bytes; past it {@link CommitLog.accepting} turns false. */
	readonly backlogBytesMax: number;
	/** Update bytes in one commit, at most. */
	readonly commitBytesMax?: number;
	/** Longest time from the start of one commit to the start of the next under load, in ms; 50 by default. */
	readonly commitIntervalMs?: number | undefined;
	/** Time that an update waits for more before it is committed, in ms; 0 by default. Not when somebody awaits it. */
	readonly commitDelayMs?: number | undefined;
	readonly backoff?: Backoff;
	readonly onEvent?: (event: CommitLogEvent) => void;
	/** An entry of the document is durable at this position. */
	readonly onAppended?: ((documentName: string, position: number) => void) | undefined;
	/**
	 * The store has lost entries of the document that were durable.
	 * @returns All that is in memory, as one update; `undefined` when it is not in memory.
	 */
	readonly onLost?: ((documentName: string) => Uint8Array | undefined) | undefined;
	/** The store has refused what was appended: the document was deleted. The log is {@link CommitLog.discard}ed already. */
	readonly onDeleted?: ((log: DocumentLog) => void) | undefined;
}

type Phase =
	| { readonly status: "idle" }
	/** A commit starts at the end of this turn, or when the last one is long enough ago. */
	| { readonly status: "scheduled"; readonly hurry?: () => void }
	| { readonly status: "committing" }
	/** The last attempt failed, and the next one is timed. */
	| { readonly status: "waiting"; readonly cancelRetry: () => void }
	| { readonly status: "closed" };

/** Running totals since the log was made. */
export interface CommitLogTotals {
	commits: number;
	/** Log entries: documents written, summed over commits. */
	entries: number;
	updates: number;
	bytes: number;
	/** Commits, or single documents in them, that the store did not take. */
	failures: number;
}

/**
 * Group commit for all documents of a node: everything that arrived while the last commit ran goes into the next one,
 * and under load what arrives until it is time for it, see {@link CommitPace}.
 *
 * Invariants: at most one `store.append` runs at a time; a document's updates are written in the order in which they
 * were appended; an update leaves memory only when the store says that it is durable [DUR1]. What fails is tried
 * again, for as long as it takes, with backoff [DUR3]: all documents together when the store fails, one document
 * alone when only that one does.
 */
export class CommitLog {
	readonly totals: CommitLogTotals = { commits: 0, entries: 0, updates: 0, bytes: 0, failures: 0 };
	/** From the receipt of an edit until its acknowledgement is sent. */
	readonly acknowledgements = new Histogram();
	/** What the store took for a commit that succeeded. */
	readonly commitDurations = new Histogram();
	readonly #options: Required<
		Omit<
			CommitLogOptions,
			| "onEvent"
			| "onAppended"
			| "onLost"
			| "onDeleted"
			| "commitIntervalMs"
			| "commitDelayMs"
			| "backlogBytesMax"
		>
	>;
	readonly #pace: CommitPace;
	readonly #commitDelayMs: number;
	/** Whether somebody waits for the next commit, who should not have to wait for others' edits as well. */
	#isAwaited = false;
	readonly #emit: (event: CommitLogEvent) => void;
	readonly #onAppended: CommitLogOptions["onAppended"];
	readonly #onLost: CommitLogOptions["onLost"];
	readonly #onDeleted: CommitLogOptions["onDeleted"];
	readonly #documents = new Map<string, DocumentLog>();
	/** Documents with queued updates that may be written now. */
	readonly #ready = new Set<DocumentLog>();
	#phase: Phase = { status: "idle" };
	/** See {@link answerFor}. */
	#unlogged: ((documentName: string) => readonly Uint8Array[]) | undefined;
	/** Set from the first commit that failed as a whole until one succeeds. */
	#storeFailure: { readonly error: Error; readonly attempt: number; readonly sinceMs: number } | undefined;
	#commitStartedMs = Number.NEGATIVE_INFINITY;
	#failedDocuments = 0;
	readonly #backlog: Backlog;

	constructor({
		onEvent,
		onAppended,
		onLost,
		onDeleted,
		commitIntervalMs = 50,
		commitDelayMs = 0,
		backlogBytesMax,
		...options
	}: CommitLogOptions) {
		this.#options = { commitBytesMax: 8 * 1024 * 1024, backoff: defaultBackoff, ...options };
		this.#pace = new CommitPace(commitIntervalMs);
		this.#commitDelayMs = commitDelayMs;
		this.#emit = onEvent ?? (() => {});
		this.#backlog = new Backlog(backlogBytesMax, options.clock, this.#emit);
		this.#onAppended = onAppended;
		this.#onLost = onLost;
		this.#onDeleted = onDeleted;
	}

	get clock(): Clock {
		return this.#options.clock;
	}

	/** Whether there is room for more. Turns false at the bound and true again at half of it. */
	get accepting(): boolean {
		return this.#backlog.hasRoom && this.#phase.status !== "closed";
	}

	/** Memory held by updates that are not known to be durable, in bytes. */
	get backlogBytes(): number {
		return this.#backlog.bytes;
	}

	/** Updates that are not known to be durable. */
	get backlogUpdates(): number {
		let updates = 0;
		for (const log of this.#documents.values()) updates += log.appended - log.durable;
		return updates;
	}

	/** How long the oldest update waits at most to become durable, in ms; 0 when none does. */
	get backlogAgeMs(): number {
		return this.#backlog.ageMs;
	}

	/** When the commit began that runs now, or else the last one. */
	get commitStartedMs(): number {
		return this.#commitStartedMs;
	}

	/** Whether no document can be written: the last commit failed as a whole. */
	get isStoreFailing(): boolean {
		return this.#storeFailure !== undefined;
	}

	/** For how long the store has had a commit that it has not answered, in ms; 0 when it has none. */
	get commitRunningMs(): number {
		return this.#phase.status === "committing" ? this.#options.clock.now() - this.#commitStartedMs : 0;
	}

	/** Documents that can't be written, while others can. */
	get failedDocuments(): number {
		return this.#failedDocuments;
	}

	/** Why documents can't be written now, for the operator; empty when all is well. Single ones are {@link failedDocuments}. */
	get problems(): string[] {
		const problems: string[] = [];
		if (this.#storeFailure !== undefined)
			problems.push(`the store can't be written: ${this.#storeFailure.error.message}`);
		if (this.#backlog.problem !== undefined) problems.push(this.#backlog.problem);
		return problems;
	}

	/** The log of a document; the same one until it is {@link release}d. */
	document(documentName: string): DocumentLog {
		let log = this.#documents.get(documentName);
		if (log === undefined) {
			log = new DocumentLog(documentName);
			this.#documents.set(documentName, log);
		}
		return log;
	}

	/** Lets go of a document that has left memory, once all of it is durable. */
	release(documentName: string): void {
		if (this.#documents.get(documentName)?.isDurable) this.#documents.delete(documentName);
	}

	/**
	 * The document was deleted [DUR7]: what it holds is dropped, what it is given from now on as well, and whoever waits is told that it
	 * will never be durable. Another document of the same name has a log of its own.
	 */
	discard(log: DocumentLog): void {
		if (log.isDeleted) return;
		if (log.failure !== undefined) this.#failedDocuments -= 1;
		this.#ready.delete(log);
		if (this.#documents.get(log.documentName) === log) this.#documents.delete(log.documentName);
		this.#backlog.hold(-log.discard());
	}

	/**
	 * Has the log answer for more than it was given: what `source` gives (once) for a document is logged before anything
	 * is said to be durable there.
	 */
	answerFor(source: (documentName: string) => readonly Uint8Array[]): void {
		this.#unlogged = source;
	}

	/** Logs what the source of {@link answerFor} gives. Call it before you {@link DocumentLog.listen}. */
	complete(log: DocumentLog): void {
		if (this.#unlogged === undefined) return;
		for (const update of this.#unlogged(log.documentName)) this.append(log, update);
	}

	/** Adds an update. What a closed log is given is lost, so its caller must not acknowledge it; {@link durable} rejects. */
	append(log: DocumentLog, update: Uint8Array): void {
		if (log.isDeleted) return;
		this.#backlog.hold(log.append(update));
		if (log.failure === undefined) {
			this.#ready.add(log);
			this.#schedule();
		}
	}

	/**
	 * The store turned out to have lost entries of the document that were durable: all that is in memory is written again, lest it
	 * is lost for good when the document leaves memory.
	 * @param position The store's last one now.
	 */
	storeAnew(documentName: string, position: number): void {
		const log = this.#documents.get(documentName);
		const state = log === undefined ? undefined : this.#onLost?.(documentName);
		if (log === undefined || state === undefined || this.#phase.status === "closed") return;
		this.#emit({ type: "entries-lost", documentName, position, expectedAfter: log.position });
		log.position = position;
		this.append(log, state);
	}

	/**
	 * Resolves when everything that the document holds now is durable.
	 * @throws {StoreUnavailableError} when the log is closed first.
	 */
	durable(documentName: string): Promise<void> {
		const log = this.#documents.get(documentName);
		if (log !== undefined && this.#phase.status !== "closed") this.complete(log);
		return this.written(documentName);
	}

	/**
	 * Resolves when everything appended to the document up to now is durable.
	 * @throws {StoreUnavailableError} when the log is closed first.
	 * @throws {DocumentDeletedError} when it is deleted first.
	 */
	written(documentName: string): Promise<void> {
		const log = this.#documents.get(documentName);
		if (log === undefined || log.isDurable) return Promise.resolve();
		return new Promise((resolve, reject) => {
			const abandoned = () =>
				reject(
					log.isDeleted
						? new DocumentDeletedError(documentName)
						: new StoreUnavailableError("the log was closed before the edit was durable"),
				);
			if (this.#phase.status === "closed") abandoned();
			else log.listen({ durable: () => resolve(), abandoned });
			this.#isAwaited = true;
			if (this.#phase.status === "scheduled") this.#phase.hurry?.();
		});
	}

	/** Whether something of this document is not durable, and the last attempt to write has failed. */
	isStuck(documentName: string): boolean {
		const log = this.#documents.get(documentName);
		return (
			log !== undefined && !log.isDurable && (this.#storeFailure !== undefined || log.failure !== undefined)
		);
	}

	/** Resolves when everything appended up to now is durable, or when the log is closed. */
	async flush(): Promise<void> {
		const waiting = [...this.#documents.keys()].map((documentName) => this.durable(documentName));
		// A rejection means that the log was closed; `close` says how much was lost.
		await Promise.allSettled(waiting);
	}

	/**
	 * Ends all waiting; nothing is written any more. Flush first.
	 * @returns The number of updates that are not known to be durable. None of them was acknowledged.
	 */
	close(): number {
		if (this.#phase.status === "waiting") this.#phase.cancelRetry();
		this.#phase = { status: "closed" };
		let lost = 0;
		for (const log of this.#documents.values()) lost += log.abandon();
		return lost;
	}

	#schedule(): void {
		if (this.#phase.status !== "idle" || this.#ready.size === 0) return;
		const { clock } = this.#options;
		const paceMs = this.#commitStartedMs + this.#pace.intervalMs - clock.now();
		const waitMs = Math.max(paceMs, this.#isAwaited ? 0 : this.#commitDelayMs);
		// A timer is no more precise than a millisecond, and costs more.
		if (waitMs < 1) {
			this.#phase = { status: "scheduled" };
			clock.afterTurn(() => this.#commit());
			return;
		}
		const cancel = clock.after(waitMs, () => this.#commit());
		const hurry = () => {
			cancel();
			this.#commit();
		};
		this.#phase = paceMs < 1 ? { status: "scheduled", hurry } : { status: "scheduled" };
	}

	#commit(): void {
		if (this.#phase.status === "closed") return;
		this.#phase = { status: "committing" };
		const batch = this.#takeBatch();
		const startedMs = this.#options.clock.now();
		this.#commitStartedMs = startedMs;
		this.#isAwaited = false;
		// Both outcomes are handled, so nothing is left to float.
		this.#options.store
			.append(
				batch.map(({ log: { documentName, generation }, updates }) => ({
					documentName,
					updates,
					generation,
				})),
			)
			.then(
				(results) => this.#settle(batch, results, startedMs),
				(error: Error) => this.#fail(batch, error),
			);
	}

	#takeBatch(): Taken[] {
		const batch: Taken[] = [];
		let bytesLeft = this.#options.commitBytesMax;
		for (const log of this.#ready) {
			if (bytesLeft <= 0) break;
			const after = log.position;
			const taken = log.take(bytesLeft);
			bytesLeft -= taken.bytes;
			if (!log.hasQueued) this.#ready.delete(log);
			batch.push({ log, after, ...taken });
		}
		return batch;
	}

	#settle(batch: readonly Taken[], results: readonly AppendResult[], startedMs: number): void {
		this.#pace.ended(this.#ready.size > 0);
		const failure = this.#storeFailure;
		this.#storeFailure = undefined;
		let [documents, updates, bytes] = [0, 0, 0];
		batch.forEach((taken, index) => {
			const result = results[index];
			// While it was being written; the store has seen to it that nothing is left of it.
			if (taken.log.isDeleted) return;
			if (result?.status === "deleted") {
				this.discard(taken.log);
				this.#onDeleted?.(taken.log);
			} else if (result?.status === "durable") {
				documents += 1;
				updates += taken.updates.length;
				bytes += taken.bytes;
				if (this.#isStoredAnew(taken, result.position)) return;
				this.#settleDocument(taken.log);
				this.#onAppended?.(taken.log.documentName, result.position);
			} else {
				this.#failDocument(taken.log, result?.error ?? new Error("the store gave no result"));
			}
		});
		const nowMs = this.#options.clock.now();
		if (failure !== undefined) this.#emit({ type: "store-recovered", failedForMs: nowMs - failure.sinceMs });
		if (documents > 0) {
			this.totals.commits += 1;
			this.totals.entries += documents;
			this.totals.updates += updates;
			this.totals.bytes += bytes;
			this.commitDurations.observe(nowMs - startedMs);
			if (this.#failedDocuments === 0) this.#backlog.writtenUntil(startedMs);
			this.#emit({ type: "committed", documents, updates, bytes, durationMs: nowMs - startedMs });
		}
		if (this.#phase.status !== "committing") return;
		this.#phase = { status: "idle" };
		this.#schedule();
	}

	/**
	 * Positions only grow. When one does not, the store is not what it was: a standby took over that had not received
	 * everything, or a backup was restored. What was appended now builds on what is gone, and would be of no use without it.
	 * @returns Whether everything is to be written again, and nobody may be told yet.
	 */
	#isStoredAnew({ log, after: expectedAfter }: Taken, position: number): boolean {
		const { documentName } = log;
		if (position > expectedAfter) {
			// Others' entries may have been read since.
			log.position = Math.max(log.position, position);
			return false;
		}
		log.position = position;
		const state = this.#onLost?.(documentName);
		if (state === undefined) return false;
		this.#backlog.hold(log.putBackWith(state));
		this.#ready.add(log);
		this.#emit({ type: "entries-lost", documentName, position, expectedAfter });
		return true;
	}

	#settleDocument(log: DocumentLog): void {
		if (log.failure !== undefined) {
			log.failure = undefined;
			this.#failedDocuments -= 1;
			if (log.hasQueued) this.#ready.add(log);
			this.#emit({ type: "document-recovered", documentName: log.documentName });
		}
		this.#backlog.hold(-log.settle());
	}

	#failDocument(log: DocumentLog, error: Error): void {
		log.putBack();
		this.#ready.delete(log);
		this.totals.failures += 1;
		if (log.failure === undefined) this.#failedDocuments += 1;
		const attempt = (log.failure?.attempt ?? 0) + 1;
		const retryInMs = backoffDelayMs(this.#options.backoff, attempt, this.#options.clock.random());
		const cancelRetry = this.#options.clock.after(retryInMs, () => {
			this.#ready.add(log);
			this.#schedule();
		});
		log.failure = { error, attempt, cancelRetry };
		this.#emit({ type: "document-failed", documentName: log.documentName, error, attempt, retryInMs });
	}

	#fail(batch: readonly Taken[], error: Error): void {
		for (const { log } of batch) {
			if (log.isDeleted) continue;
			log.putBack();
			this.#ready.add(log);
		}
		if (this.#phase.status === "closed") return;
		this.totals.failures += 1;
		const attempt = (this.#storeFailure?.attempt ?? 0) + 1;
		this.#storeFailure = {
			error,
			attempt,
			sinceMs: this.#storeFailure?.sinceMs ?? this.#options.clock.now(),
		};
		const retryInMs = backoffDelayMs(this.#options.backoff, attempt, this.#options.clock.random());
		const cancelRetry = this.#options.clock.after(retryInMs, () => this.#commit());
		this.#phase = { status: "waiting", cancelRetry };
		this.#emit({ type: "store-failed", error, attempt, retryInMs });
	}
}

interface Taken {
	readonly log: DocumentLog;
	/** The last position that was known then. */
	readonly after: number;
	readonly updates: readonly Uint8Array[];
	readonly bytes: number;
}
