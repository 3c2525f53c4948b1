/** Lines in a row, and from then on in a second, at most. */
const burst = 50;
const perSecond = 5;

/** How many lines of one kind get into the log when there is no end of them. Pure. */
export class LinePace {
	#left = burst;
	#atMs: number;
	#omitted = 0;

	/** @param nowMs Of any clock that does not go back. */
	constructor(nowMs: number) {
		this.#atMs = nowMs;
	}

	/** @returns How many were omitted since the last one, when this one is to be logged; `undefined` when it is not. */
	take(nowMs: number): number | undefined {
		this.#left = Math.min(burst, this.#left + ((nowMs - this.#atMs) / 1_000) * perSecond);
		this.#atMs = nowMs;
		if (this.#left < 1) {
			this.#omitted += 1;
			return undefined;
		}
		this.#left -= 1;
		const omitted = this.#omitted;
		this.#omitted = 0;
		return omitted;
	}
}
