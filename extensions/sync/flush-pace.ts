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

	/**
	 * @param changes Edits and moves of cursors that went out together.
	 * @param tookMs How long sending them took.
	 */
	flushed(startedMs: number, tookMs: number, changes: number, receivers: number): void {
		this.#lastMs = startedMs;
		const longestMs = Math.min(this.#longestMs, Math.max(patienceMs(receivers), shareOfTime * tookMs));
		const wantedMs = changes > 1 ? this.#intervalMs * 2 + 1 : this.#intervalMs / 2;
		// Half of the time is others', however many there are to send to.
		const leastMs = changes > 1 && this.#longestMs > 0 ? Math.min(2 * tookMs, pauseMsMax) : 0;
		this.#intervalMs = Math.floor(Math.max(leastMs, Math.min(longestMs, wantedMs)));
	}
}

/** Sending may take this part of the time, one in so many, before it waits longer than for the number of receivers. */
const shareOfTime = 16;

/** However long sending took: the process may have been stopped meanwhile, or the machine asleep. */
const pauseMsMax = 500;

/** 4 ms with 3 receivers, 25 with 100, 79 with 1,000: what people don't notice, where it saves most. */
function patienceMs(receivers: number): number {
	return 2.5 * Math.sqrt(receivers);
}
