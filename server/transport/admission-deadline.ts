/** A client that may not have opened a document yet. */
export interface Arrival {
	/** By `performance.now()`. */
	readonly openedMs: number;
	readonly isAdmitted: boolean;
	/** Ends it for having taken too long. */
	endForDelay(): void;
}

/** How often it is looked, as a part of the time that a client has. */
const looksPerTimeout = 4;

/** Ends clients that open no document in time. One timer for all of them, and none while nobody is new. */
export class AdmissionDeadline {
	readonly #timeoutMs: number;
	/** In the order in which they came. Whoever was admitted is forgotten when their time is over. */
	readonly #arrivals = new Set<Arrival>();
	#timer: NodeJS.Timeout | undefined;

	constructor(timeoutMs: number) {
		this.#timeoutMs = timeoutMs;
	}

	add(arrival: Arrival): void {
		this.#arrivals.add(arrival);
		this.#timer ??= setInterval(() => this.#look(), this.#timeoutMs / looksPerTimeout).unref();
	}

	/** It has gone. */
	remove(arrival: Arrival): void {
		this.#arrivals.delete(arrival);
	}

	#look(): void {
		const openedMsMax = performance.now() - this.#timeoutMs;
		for (const arrival of this.#arrivals) {
			if (arrival.openedMs > openedMsMax) return;
			this.#arrivals.delete(arrival);
			if (!arrival.isAdmitted) arrival.endForDelay();
		}
		clearInterval(this.#timer);
		this.#timer = undefined;
	}
}
