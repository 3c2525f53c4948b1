/** Whoever has something to send that can wait for more. */
export interface Gatherer {
	/** Has it leave. */
	release(): void;
}

/**
 * Whatever waits here for more does so for a limited time: between once and twice the patience, with one timer for all, and none while
 * nobody waits.
 */
export class Gathering {
	readonly #patienceMs: number;
	#before = new Set<Gatherer>();
	#lately = new Set<Gatherer>();
	#timer: NodeJS.Timeout | undefined;

	constructor(patienceMs: number) {
		this.#patienceMs = patienceMs;
	}

	add(gatherer: Gatherer): void {
		this.#lately.add(gatherer);
		this.#timer ??= setTimeout(() => this.#turn(), this.#patienceMs).unref();
	}

	delete(gatherer: Gatherer): void {
		if (!this.#lately.delete(gatherer)) this.#before.delete(gatherer);
	}

	#turn(): void {
		const due = this.#before;
		this.#before = this.#lately;
		this.#lately = new Set();
		this.#timer = undefined;
		if (this.#before.size > 0) this.#timer = setTimeout(() => this.#turn(), this.#patienceMs).unref();
		for (const gatherer of due) gatherer.release();
	}
}
