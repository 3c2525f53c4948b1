/**
 * Remembers values for a time, up to a number of them. What is full forgets nothing before its time: it says so, and
 * whoever asks decides what that means. Pure; the time is given, in ms since any moment.
 */
export class ExpiringMap<Value> {
	readonly #entries = new Map<string, { readonly value: Value; readonly untilMs: number }>();
	readonly #entriesMax: number;
	#sweptMs = Number.NEGATIVE_INFINITY;

	constructor(entriesMax: number) {
		this.#entriesMax = entriesMax;
	}

	get size(): number {
		return this.#entries.size;
	}

	get(key: string, nowMs: number): Value | undefined {
		const entry = this.#entries.get(key);
		return entry !== undefined && entry.untilMs > nowMs ? entry.value : undefined;
	}

	/** @returns Whether there was room. */
	set(key: string, value: Value, untilMs: number, nowMs: number): boolean {
		if (this.#entries.size >= this.#entriesMax && !this.#entries.has(key)) this.#sweep(nowMs);
		if (this.#entries.size >= this.#entriesMax && !this.#entries.has(key)) return false;
		this.#entries.set(key, { value, untilMs });
		return true;
	}

	*entries(nowMs: number): Generator<readonly [string, Value, number]> {
		for (const [key, { value, untilMs }] of this.#entries) if (untilMs > nowMs) yield [key, value, untilMs];
	}

	/** Once a second at most, as it costs in proportion to what is kept. */
	#sweep(nowMs: number): void {
		if (nowMs - this.#sweptMs < 1_000) return;
		this.#sweptMs = nowMs;
		for (const [key, { untilMs }] of this.#entries) if (untilMs <= nowMs) this.#entries.delete(key);
	}
}
