/** In samples, that is seconds: how long a collection of garbage has to help, first. */
const patience = 10;
/** In samples: how long the memory of those who went has to come back, before others go. */
const pause = 5;
/** Of the connections, in one slice: in a minute about a fifth of them may go. */
const share = 0.02;

/**
 * How many idle connections go while memory is short, so that those who work can stay. Whoever only looks loses least: it is
 * told to come back, and then comes to a node that has room. Pure.
 */
export class ShedPace {
	#samples = 0;

	/**
	 * @param isExceeded Whether a limit on memory is exceeded; it ends only when memory is clearly below.
	 * @returns How many are to be closed now, those that are idle for longest.
	 */
	take(isExceeded: boolean, connections: number): number {
		if (!isExceeded) {
			this.#samples = 0;
			return 0;
		}
		this.#samples += 1;
		if (this.#samples < patience + pause) return 0;
		this.#samples = patience;
		return Math.ceil(connections * share);
	}
}
