import { Histogram } from "../metrics/histogram.ts";
import type { Clock } from "./clock.ts";
import { type CompactionResult, DocumentDeletedError, type Store } from "./store.ts";

export type CompactorEvent =
	| {
			readonly type: "compacted";
			readonly documentName: string;
			readonly result: CompactionResult;
			readonly durationMs: number;
	  }
	| { readonly type: "compaction-failed"; readonly documentName: string; readonly error: Error };

const compactionBoundsMs = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000];

interface Request {
	readonly gc: boolean;
	/** Hears `undefined` when it failed. */
	readonly done: (result: CompactionResult | undefined) => void;
}

/**
 * Has documents compacted by the store, one at a time, so that it never takes more than one thread from the rest.
 * A document that is asked for twice is compacted once. A failed compaction changes nothing and is not repeated
 * here: the log is still there, and the next reason to compact comes.
 */
export class Compactor {
	readonly #store: Store;
	readonly #clock: Clock;
	readonly #emit: (event: CompactorEvent) => void;
	readonly #requests = new Map<string, Request>();
	readonly durations = new Histogram(compactionBoundsMs);
	/** Since the start; they changed nothing. */
	failures = 0;
	#running: Promise<void> | undefined;
	#closed = false;

	constructor(options: { store: Store; clock: Clock; onEvent: (event: CompactorEvent) => void }) {
		this.#store = options.store;
		this.#clock = options.clock;
		this.#emit = options.onEvent;
	}

	/** @returns Whether it will be done; not if it is asked for already, and then `done` hears nothing. */
	request(documentName: string, request: Request): boolean {
		if (this.#closed || this.#requests.has(documentName)) return false;
		this.#requests.set(documentName, request);
		// `#run` handles every rejection itself.
		this.#running ??= this.#run();
		return true;
	}

	/** Documents that wait for it, the one that is being compacted among them. */
	get waiting(): number {
		return this.#requests.size;
	}

	/** Finishes the running compaction and drops the rest. */
	async close(): Promise<void> {
		this.#closed = true;
		this.#requests.clear();
		await this.#running;
	}

	async #run(): Promise<void> {
		for (const [documentName, { gc, done }] of this.#requests) {
			const startedMs = this.#clock.now();
			try {
				const result = await this.#store.compact(documentName, { gc });
				done(result);
				const durationMs = this.#clock.now() - startedMs;
				this.durations.observe(durationMs);
				this.#emit({ type: "compacted", documentName, result, durationMs });
			} catch (error) {
				done(undefined);
				if (error instanceof DocumentDeletedError) continue;
				this.failures += 1;
				this.#emit({ type: "compaction-failed", documentName, error: error as Error });
			} finally {
				this.#requests.delete(documentName);
			}
		}
		this.#running = undefined;
	}
}
