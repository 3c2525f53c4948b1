/** How much one receiver adds to the longest interval, in ms: about thirty times what sending it a frame costs. */
const msPerReceiver = 0.25;

/**
 * How far apart the flushes of a document are. What a flush costs grows with those who receive it, not with the edits in it:
 * so as more edits come than one at a time, they wait for each other, in a document with many people longer than in one
 * with few. The first edit after quiet never waits. Pure.
 */
export class FlushPace {
	readonly #longestMs: number;
	#intervalMs = 0;
	#lastMs = Number.NEGATIVE_INFINITY;

	/** @param longestMs The longest interval, in ms; 0 for none at all. */
	constructor(longestMs: number) {
		this.#longestMs = longestMs;
	}

	/** Time until the next flush is due, in ms; 0 or less when it is. */
	waitMs(nowMs: number): number {
		return this.#lastMs + this.#intervalMs - nowMs;
	}

	/** @param changes Edits and moves of cursors that went out together. */
	flushed(nowMs: number, changes: number, receivers: number): void {
		this.#lastMs = nowMs;
		const longestMs = Math.min(this.#longestMs, receivers * msPerReceiver);
		const intervalMs = changes > 1 ? this.#intervalMs * 2 + 1 : this.#intervalMs / 2;
		this.#intervalMs = Math.floor(Math.min(longestMs, intervalMs));
	}
}
