/** A peer that can be asked for a sign of life. */
export interface HeartbeatPeer {
	/** Called once per interval. Ends the peer if it gave no sign since the last call. */
	beat(): void;
}

/**
 * One timer for all peers: they are spread over the slots of a wheel, and each turn of the timer visits one slot. So each
 * peer is visited once per interval, and no two thousand pings leave at the same moment [TRN1].
 */
export class Heartbeat {
	readonly #slots: readonly Set<HeartbeatPeer>[];
	readonly #tickMs: number;
	readonly #slotOf = new Map<HeartbeatPeer, Set<HeartbeatPeer>>();
	#timer: NodeJS.Timeout | undefined;
	#current = 0;
	#next = 0;

	/** @param intervalMs Time between two visits of one peer. */
	constructor(intervalMs: number, slots = 16) {
		this.#slots = Array.from({ length: slots }, () => new Set());
		this.#tickMs = intervalMs / slots;
	}

	add(peer: HeartbeatPeer): void {
		const slot = this.#slots[this.#next % this.#slots.length] as Set<HeartbeatPeer>;
		this.#next += 1;
		slot.add(peer);
		this.#slotOf.set(peer, slot);
		this.#timer ??= setInterval(() => this.#tick(), this.#tickMs).unref();
	}

	remove(peer: HeartbeatPeer): void {
		this.#slotOf.get(peer)?.delete(peer);
		this.#slotOf.delete(peer);
		if (this.#slotOf.size > 0) return;
		clearInterval(this.#timer);
		this.#timer = undefined;
	}

	#tick(): void {
		this.#current = (this.#current + 1) % this.#slots.length;
		for (const peer of this.#slots[this.#current] as Set<HeartbeatPeer>) peer.beat();
	}
}
