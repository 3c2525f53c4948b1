/** In samples, that is seconds. */
const patienceMin = 10;
const patienceMax = 1_000;

/**
 * V8 collects garbage when something is allocated. In a process that people have left, what they used would stay, and keep it
 * past its limit, until somebody comes, whom it refuses for that. So a process that is past a limit on memory, and in which V8
 * has not collected for a while, is to start it; each time that it was in vain, it waits twice as long. Pure.
 */
export class CollectionPace {
	#lastBytes = 0;
	#samples = 0;
	#patience = patienceMin;

	/**
	 * @param oldGenerationBytes It only shrinks when garbage is collected.
	 * @param isExceeded Whether a limit on memory is exceeded.
	 * @returns Whether to start a collection now.
	 */
	take(oldGenerationBytes: number, isExceeded: boolean): boolean {
		const isCollected = oldGenerationBytes < this.#lastBytes;
		this.#lastBytes = oldGenerationBytes;
		if (!isExceeded) this.#patience = patienceMin;
		this.#samples = isExceeded && !isCollected ? this.#samples + 1 : 0;
		if (this.#samples < this.#patience) return false;
		this.#samples = 0;
		this.#patience = Math.min(this.#patience * 2, patienceMax);
		return true;
	}
}
