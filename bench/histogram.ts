/** Each bin is so much wider than the one before it: what a percentile may be wrong by. */
const growth = 1.02;
const smallestMs = 0.01;
const bins = 1024;
const logOfGrowth = Math.log(growth);

/** Durations in ms, any number of them in the same memory, with percentiles that are right to 2 %. */
export class Histogram {
	readonly #bins = new Float64Array(bins);
	#count = 0;

	get count(): number {
		return this.#count;
	}

	add(valueMs: number, times = 1): void {
		const bin = valueMs <= smallestMs ? 0 : Math.ceil(Math.log(valueMs / smallestMs) / logOfGrowth);
		const index = Math.min(bin, bins - 1);
		this.#bins[index] = (this.#bins[index] ?? 0) + times;
		this.#count += times;
	}

	/** @param share 0.5 for the median. @returns `NaN` without values. */
	percentile(share: number): number {
		if (this.#count === 0) return Number.NaN;
		let left = this.#count * share;
		const bin = this.#bins.findIndex((times) => {
			left -= times;
			return times > 0 && left <= 0;
		});
		return smallestMs * growth ** bin;
	}
}
