/**
 * How often each of a few things has happened. Each combination of labels is one series for Prometheus, for ever: labels are
 * words of ours, never a client's. Pure.
 */
export class Tally<Label extends string = string> {
	readonly labels: readonly Label[];
	readonly #entries = new Map<string, { readonly values: readonly string[]; count: number }>();

	constructor(...labels: readonly Label[]) {
		this.labels = labels;
	}

	/** @param values One for each label, in their order. */
	add(...values: readonly string[]): void {
		const key = values.join("\0");
		const entry = this.#entries.get(key);
		if (entry === undefined) this.#entries.set(key, { values, count: 1 });
		else entry.count += 1;
	}

	entries(): Iterable<{ readonly values: readonly string[]; readonly count: number }> {
		return this.#entries.values();
	}
}
