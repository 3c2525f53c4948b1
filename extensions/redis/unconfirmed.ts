import type { Position, Receipt } from "./frames.ts";

interface Held extends Position {
	readonly sender: string;
	readonly update: Uint8Array;
	readonly atMs: number;
}

/**
 * Updates of one document that came from other nodes, which forward first and log later: until the sender says that an
 * update is durable, it may die and leave us with the only copy. Pure.
 */
export class Unconfirmed {
	/** In the order in which they came. */
	#held: Held[] = [];
	bytes = 0;

	/** When the oldest came. */
	get oldestMs(): number {
		return this.#held[0]?.atMs ?? Number.POSITIVE_INFINITY;
	}

	/** @param update Is copied: it may be a part of a larger buffer. */
	hold(sender: string, { stay, sequence }: Position, update: Uint8Array, atMs: number): void {
		this.#held.push({ sender, stay, sequence, update: update.slice(), atMs });
		this.bytes += update.byteLength;
	}

	/** The sender has logged everything up to here. */
	confirm(sender: string, { stay, durable }: Receipt): void {
		if (this.#held.length === 0) return;
		this.#keep((held) => held.sender !== sender || held.stay !== stay || held.sequence > durable);
	}

	holdsFrom(sender: string): boolean {
		return this.#held.some((held) => held.sender === sender);
	}

	/** Takes everything out, for our own log. */
	take(): Uint8Array[] {
		const updates = this.#held.map(({ update }) => update);
		this.#held = [];
		this.bytes = 0;
		return updates;
	}

	#keep(predicate: (held: Held) => boolean): void {
		this.#held = this.#held.filter(predicate);
		this.bytes = this.#held.reduce((sum, { update }) => sum + update.byteLength, 0);
	}
}
