const namesMax = 1_000;

/** The last names that are known to have been deleted, each with the generation from which on a document of it is another one. */
export class RecentDeletions {
	readonly #generations = new Map<string, number>();

	add(documentName: string, generation: number): void {
		const known = this.#generations.get(documentName) ?? 0;
		this.#generations.delete(documentName);
		this.#generations.set(documentName, Math.max(known, generation));
		if (this.#generations.size <= namesMax) return;
		for (const oldest of this.#generations.keys()) {
			this.#generations.delete(oldest);
			return;
		}
	}

	/** Whether a document of this name and generation was deleted, as far as it is remembered. */
	has(documentName: string, generation: number): boolean {
		return generation < (this.#generations.get(documentName) ?? 0);
	}
}
