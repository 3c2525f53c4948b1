/** From a quarter of a millisecond to where nobody waits any longer, in ms. */
export const defaultBoundsMs: readonly number[] = [
	0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
];

/**
 * How long something took, as counts in fixed buckets. Observing costs some nanoseconds and makes nothing, so it can stand
 * where every edit passes. Pure.
 */
export class Histogram {
	/** Upper bounds of the buckets, in ms, growing; there is one more bucket for what is beyond. */
	readonly boundsMs: readonly number[];
	/** How many fell into each bucket, and into none before it. */
	readonly counts: number[];
	/** Of all, in ms. */
	sumMs = 0;

	constructor(boundsMs: readonly number[] = defaultBoundsMs) {
		this.boundsMs = boundsMs;
		this.counts = new Array<number>(boundsMs.length + 1).fill(0);
	}

	/** How many there were. */
	get count(): number {
		return this.counts.reduce((sum, count) => sum + count, 0);
	}

	/** @param count How often it took so long. */
	observe(durationMs: number, count = 1): void {
		const { boundsMs, counts } = this;
		let bucket = 0;
		while (bucket < boundsMs.length && durationMs > (boundsMs[bucket] as number)) bucket += 1;
		counts[bucket] = (counts[bucket] as number) + count;
		this.sumMs += durationMs * count;
	}
}
