/**
 * How far apart commits start. A commit costs about the same for one update as for a hundred, so under load they are
 * spaced out; as long as people are few, or a program waits for each edit before it makes the next, nobody waits.
 * Pure.
 */
export class CommitPace {
	readonly #longestMs: number;
	#intervalMs = 0;

	/** @param longestMs The longest interval, in ms; 0 for none at all. */
	constructor(longestMs: number) {
		this.#longestMs = longestMs;
	}

	/** Time from the start of the last commit to the start of the next, at least, in ms. */
	get intervalMs(): number {
		return this.#intervalMs;
	}

	/**
	 * A commit has ended.
	 * @param isBusy Whether more to commit has arrived while it ran: that tells many writers from one that waits.
	 */
	ended(isBusy: boolean): void {
		if (isBusy) this.#intervalMs = Math.min(this.#longestMs, this.#intervalMs * 2 + 1);
		else this.#intervalMs = Math.floor(this.#intervalMs / 2);
	}
}
