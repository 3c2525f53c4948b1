import type { Clock } from "../durability/clock.ts";

export interface RollCallOptions {
	readonly clock: Clock;
	readonly intervalMs: number;
	/** Nodes that share the store and belong together, this one among them; `undefined` when that can't be known. */
	readonly members: () => Promise<number | undefined>;
	/** Other nodes that are heard through the bus. */
	readonly heard: () => number;
}

/**
 * Notices nodes that share the store with this one and are not heard: they have another Redis, or may not listen there.
 * Twice in a row, because nodes come and go.
 */
export class RollCall {
	readonly #options: RollCallOptions;
	#missing: [before: number, now: number] = [0, 0];
	#calledMs: number;
	#isCalling = false;

	constructor(options: RollCallOptions) {
		this.#options = options;
		this.#calledMs = options.clock.now();
	}

	/** How many are missing. */
	get missing(): number {
		return Math.min(...this.#missing);
	}

	/** Call it every now and then, while the bus works. */
	tick(): void {
		const { clock, intervalMs, members, heard } = this.#options;
		if (this.#isCalling || clock.now() - this.#calledMs < intervalMs) return;
		this.#calledMs = clock.now();
		this.#isCalling = true;
		members().then(
			(count) => this.#count(count === undefined ? 0 : Math.max(0, count - 1 - heard())),
			// A store that can't be asked says so elsewhere.
			() => this.#count(0),
		);
	}

	/** Whoever could not be heard while the bus was away may be now. */
	forget(): void {
		this.#missing = [0, 0];
	}

	#count(missing: number): void {
		this.#isCalling = false;
		this.#missing = [this.#missing[1], missing];
	}
}
