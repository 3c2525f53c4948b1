import type { Clock } from "../durability/clock.ts";

export interface StoreReaderOptions {
	readonly clock: Clock;
	readonly read: (documentName: string) => Promise<void>;
	/** Whether the document is still of interest. */
	readonly isOpen: (documentName: string) => boolean;
}

/** After the store could not be read. */
const failurePauseMs = 5_000;

/**
 * Has documents compared with the store, one at a time and half of the time at most: it is for what nobody can be asked
 * for, and must not slow down those who are typing. Each document waits at most once, so the queue has the open
 * documents for a bound.
 */
export class StoreReader {
	readonly #options: StoreReaderOptions;
	readonly #waiting = new Set<string>();
	#isRunning = false;
	#cancelPause: (() => void) | undefined;
	#closed = false;

	constructor(options: StoreReaderOptions) {
		this.#options = options;
	}

	read(documentName: string): void {
		this.#waiting.add(documentName);
		if (!this.#isRunning) this.#next();
	}

	close(): void {
		this.#closed = true;
		this.#cancelPause?.();
	}

	#next(): void {
		const documentName = this.#closed ? undefined : this.#take();
		this.#isRunning = documentName !== undefined;
		if (documentName === undefined) return;
		const startedMs = this.#options.clock.now();
		this.#options.read(documentName).then(
			() => this.#pause(this.#options.clock.now() - startedMs),
			() => {
				this.#waiting.add(documentName);
				this.#pause(failurePauseMs);
			},
		);
	}

	#take(): string | undefined {
		for (const documentName of this.#waiting) {
			this.#waiting.delete(documentName);
			if (this.#options.isOpen(documentName)) return documentName;
		}
		return undefined;
	}

	#pause(ms: number): void {
		this.#cancelPause = this.#options.clock.after(ms, () => this.#next());
	}
}
