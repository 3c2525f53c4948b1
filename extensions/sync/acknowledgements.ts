import type { Clock } from "../durability/clock.ts";

/** Whoever waits for acknowledgements. */
interface Waiting {
	/** Whether they are to wait until it has read what it was sent. */
	readonly isBehind: boolean;
	/** Sends those that are due, if there still are any. */
	sendAcknowledgements(): void;
}

/** Clients that are told in one turn of the event loop: each takes a write, of 10 µs and more. */
const atOnce = 16;
/** What comes in so many ms comes in one turn, or nearly. */
const turnMs = 1;

/**
 * Sends acknowledgements. A commit makes those of hundreds of documents due at once: it is not to keep the event loop from the edits
 * that come meanwhile. The first ones leave at once, and the others with the next turns, in order.
 */
export class Acknowledgements {
	readonly #clock: Clock;
	readonly #waiting: Waiting[] = [];
	#turnStartedMs = Number.NEGATIVE_INFINITY;
	#told = 0;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	send(client: Waiting): void {
		if (this.#waiting.length === 0 && this.#hasRoom()) {
			client.sendAcknowledgements();
			return;
		}
		if (this.#waiting.length === 0) this.#goOn();
		this.#waiting.push(client);
	}

	#hasRoom(): boolean {
		const nowMs = this.#clock.now();
		if (nowMs - this.#turnStartedMs >= turnMs) {
			this.#turnStartedMs = nowMs;
			this.#told = 0;
		}
		this.#told += 1;
		return this.#told <= atOnce;
	}

	#goOn(): void {
		this.#clock.afterTurn(() => this.#sendSome());
	}

	#sendSome(): void {
		const some = this.#waiting.splice(0, atOnce);
		if (this.#waiting.length > 0) this.#goOn();
		for (const client of some) if (!client.isBehind) client.sendAcknowledgements();
	}
}
