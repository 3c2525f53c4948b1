import { outside } from "./simulated-process.ts";

/**
 * One direction of a connection: what is put in comes out in order, when its time has come or, without a delay, when
 * the test says so.
 */
export class Pipe<T> {
	readonly #receive: (item: T) => void;
	readonly #delayMs: (() => number) | undefined;
	#items: { readonly item: T; readonly dueMs: number }[] = [];
	#lastDueMs = 0;
	#isHeld = false;
	#isClosed = false;
	#cancel: (() => void) | undefined;

	/** @param delayMs How long the next item is on its way. */
	constructor(receive: (item: T) => void, delayMs?: () => number) {
		this.#receive = receive;
		this.#delayMs = delayMs;
	}

	get length(): number {
		return this.#items.length;
	}

	push(...items: readonly T[]): void {
		if (this.#isClosed) return;
		for (const item of items) {
			this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + (this.#delayMs?.() ?? 0));
			this.#items.push({ item, dueMs: this.#lastDueMs });
		}
		this.#schedule();
	}

	/** The next item arrives now. */
	deliverNext(): void {
		const next = this.#items.shift();
		if (next !== undefined) this.#receive(next.item);
	}

	/** Everything that was put in before arrives now. */
	deliverAll(): void {
		for (let left = this.#items.length; left > 0 && !this.#isClosed; left -= 1) this.deliverNext();
	}

	/** From now on nothing arrives, and nothing is lost. */
	hold(): void {
		this.#isHeld = true;
		this.#cancel?.();
		this.#cancel = undefined;
	}

	release(): void {
		this.#isHeld = false;
		this.#schedule();
	}

	/** What is on its way is lost. */
	close(): void {
		this.#isClosed = true;
		this.#cancel?.();
		this.#items = [];
	}

	#schedule(): void {
		const [next] = this.#items;
		if (next === undefined || this.#delayMs === undefined || this.#isHeld || this.#cancel !== undefined)
			return;
		this.#cancel = outside(() => {
			const timer = setTimeout(() => this.#arrive(), Math.max(0, next.dueMs - performance.now()));
			return () => clearTimeout(timer);
		});
	}

	#arrive(): void {
		this.#cancel = undefined;
		// The receiver may close or hold this pipe.
		while (!this.#isHeld && (this.#items[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= performance.now())
			this.deliverNext();
		this.#schedule();
	}
}
