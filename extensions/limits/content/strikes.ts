/** How often clients were refused something of a kind; costs nothing for those who were not. */
export class Strikes {
	readonly #max: number;
	readonly #counts = new WeakMap<object, number>();

	constructor(max: number) {
		this.#max = max;
	}

	/** @returns Whether it was once too often. */
	add(client: object): boolean {
		const count = (this.#counts.get(client) ?? 0) + 1;
		this.#counts.set(client, count);
		return count > this.#max;
	}

	/** Whether it was never. */
	isFree(client: object): boolean {
		return !this.#counts.has(client);
	}

	forgive(client: object): void {
		this.#counts.delete(client);
	}
}
