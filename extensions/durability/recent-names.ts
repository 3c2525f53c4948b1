const namesMax = 1_000;

/** The last names of something. */
export class RecentNames {
	readonly #names = new Set<string>();

	add(name: string): void {
		this.#names.delete(name);
		this.#names.add(name);
		if (this.#names.size <= namesMax) return;
		for (const oldest of this.#names) {
			this.#names.delete(oldest);
			return;
		}
	}

	has(name: string): boolean {
		return this.#names.has(name);
	}
}
