/** Durations in ms, and what is to be said of them. */
export class Samples {
	readonly #values: number[] = [];

	/** All of several in one. */
	static of(several: readonly Samples[]): Samples {
		const all = new Samples();
		for (const samples of several) all.#values.push(...samples.#values);
		return all;
	}

	add(valueMs: number): void {
		this.#values.push(valueMs);
	}

	get count(): number {
		return this.#values.length;
	}

	/** @param share 0.5 for the median. @returns `NaN` without samples. */
	percentile(share: number): number {
		const sorted = Float64Array.from(this.#values).sort();
		return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
	}
}
