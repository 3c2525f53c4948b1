/** How often something took at most so long: cumulative counts over buckets' upper bounds, as in a Prometheus histogram. */
export interface BucketCounts {
	/** Upper bounds in ms, ascending; what is above the last one is in one more bucket. */
	readonly boundsMs: readonly number[];
	/** One for each bound and one for the rest; not cumulative, since the start. */
	readonly counts: ArrayLike<number>;
}

/** Quantiles of what came between two looks at a histogram. Pure. */
export class LatencyWindow {
	#before: number[] | undefined;

	/** @returns The quantiles of what is new, in the bounds' unit; `null` when nothing is. */
	take({ boundsMs: bounds, counts }: BucketCounts, quantiles: readonly number[]): readonly (number | null)[] {
		const now = Array.from({ length: bounds.length + 1 }, (_, index) => counts[index] ?? 0);
		const before = this.#before;
		this.#before = now;
		const fresh = now.map((total, index) => Math.max(0, total - (before?.[index] ?? 0)));
		return quantiles.map((quantile) => quantileOf(bounds, fresh, quantile));
	}
}

/** Between a bucket's bounds, as if what is in it were spread evenly. */
export function quantileOf(
	bounds: readonly number[],
	counts: readonly number[],
	quantile: number,
): number | null {
	const total = counts.reduce((sum, each) => sum + each, 0);
	if (total === 0) return null;
	let left = quantile * total;
	for (const [index, each] of counts.entries()) {
		if (each === 0 || left > each) {
			left -= each;
			continue;
		}
		const from = index === 0 ? 0 : (bounds[index - 1] ?? 0);
		const to = bounds[index] ?? from;
		return from + ((to - from) * left) / each;
	}
	return bounds.at(-1) ?? null;
}
