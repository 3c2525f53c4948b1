import type { Clock } from "../durability/clock.ts";

/** Runs things at the end of this turn of the event loop, each once: one task of the loop for all of them. */
export class TurnQueue<Item extends object> {
	readonly #clock: Clock;
	readonly #run: (item: Item) => void;
	#items = new Set<Item>();
	#isTimed = false;

	constructor(clock: Clock, run: (item: Item) => void) {
		this.#clock = clock;
		this.#run = run;
	}

	add(item: Item): void {
		this.#items.add(item);
		if (this.#isTimed) return;
		this.#isTimed = true;
		this.#clock.afterTurn(() => this.#runAll());
	}

	remove(item: Item): void {
		this.#items.delete(item);
	}

	#runAll(): void {
		this.#isTimed = false;
		const items = this.#items;
		this.#items = new Set();
		for (const item of items) this.#run(item);
	}
}
