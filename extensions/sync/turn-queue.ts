import type { Clock } from "../durability/clock.ts";

/** Runs things at the end of this turn of the event loop, as often as they were added: one task of the loop for all of them. */
export class TurnQueue<Item> {
	readonly #clock: Clock;
	readonly #run: (item: Item) => void;
	readonly #items: Item[] = [];
	#isTimed = false;

	constructor(clock: Clock, run: (item: Item) => void) {
		this.#clock = clock;
		this.#run = run;
	}

	add(item: Item): void {
		this.#items.push(item);
		if (this.#isTimed) return;
		this.#isTimed = true;
		this.#clock.afterTurn(() => this.#runAll());
	}

	#runAll(): void {
		this.#isTimed = false;
		for (const item of this.#items.splice(0)) this.#run(item);
	}
}
