/** How long an answer is given again, in ms: pages ask every two seconds. */
const freshMs = 1_000;
const answersMax = 16;

/**
 * Answers that were given a moment ago: many pages that watch ask the same, and looking at thousands of connections for each of them would
 * cost as much again. Pure.
 */
export class RecentAnswers {
	readonly #answers = new Map<string, { readonly atMs: number; readonly answer: unknown }>();

	/** @param key What is asked; whoever asks the same is answered in the same type. */
	give<Answer>(key: string, nowMs: number, find: () => Answer): Answer {
		const known = this.#answers.get(key);
		if (known !== undefined && nowMs - known.atMs < freshMs) return known.answer as Answer;
		const answer = find();
		this.#answers.delete(key);
		this.#answers.set(key, { atMs: nowMs, answer });
		for (const oldest of this.#answers.keys()) {
			if (this.#answers.size <= answersMax) break;
			this.#answers.delete(oldest);
		}
		return answer;
	}

	/** After something was done whose result is to be seen. */
	forget(): void {
		this.#answers.clear();
	}
}
