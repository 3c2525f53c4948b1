const tickMs = 500;

/** Calls back when a moment has come, for many items with one timer. Moments are in ms since 1970, as tokens have them. */
export class Deadlines<Item> {
	readonly #due = new Map<Item, number>();
	readonly #onDue: (item: Item, nowMs: number) => void;
	#earliestMs = Number.POSITIVE_INFINITY;
	#timer: NodeJS.Timeout | undefined;

	constructor(onDue: (item: Item, nowMs: number) => void) {
		this.#onDue = onDue;
	}

	/** In place of the one that the item had. */
	set(item: Item, atMs: number): void {
		this.#due.set(item, atMs);
		this.#earliestMs = Math.min(this.#earliestMs, atMs);
		this.#timer ??= setInterval(() => this.#tick(), tickMs).unref();
	}

	delete(item: Item): void {
		this.#due.delete(item);
		if (this.#due.size === 0) this.close();
	}

	close(): void {
		this.#due.clear();
		clearInterval(this.#timer);
		this.#timer = undefined;
		this.#earliestMs = Number.POSITIVE_INFINITY;
	}

	#tick(): void {
		const nowMs = Date.now();
		if (this.#earliestMs > nowMs) return;
		const due: Item[] = [];
		this.#earliestMs = Number.POSITIVE_INFINITY;
		for (const [item, atMs] of this.#due) {
			if (atMs <= nowMs) due.push(item);
			else this.#earliestMs = Math.min(this.#earliestMs, atMs);
		}
		for (const item of due) this.delete(item);
		for (const item of due) this.#onDue(item, nowMs);
	}
}
