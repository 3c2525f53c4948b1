import type { Clock } from "../durability/clock.ts";
import { Histogram } from "../metrics/histogram.ts";

export type BusStatus =
	| { readonly status: "up" }
	| { readonly status: "away"; readonly sinceMs: number; readonly reason: string };

export interface HeartOptions {
	readonly clock: Clock;
	/** Sends this heartbeat to everybody, us included. */
	readonly send: (beat: number) => void;
	readonly onUp: (awayMs: number) => void;
	readonly onAway: (reason: string) => void;
	/** Messages were lost on their way to us, though no connection broke. */
	readonly onLoss: () => void;
	/** The connections seem open, and nothing comes through. */
	readonly onStuck: () => void;
}

export const heartbeatMs = 3_000;
/** A heartbeat comes back sooner than that, unless something is wrong. */
const lateMs = 1_500;
/** A node that says nothing for so long is taken for dead, and Redis for away when it does not bring our own heartbeat. */
export const silenceMs = 8_000;

/**
 * Whether messages come through Redis: a heartbeat is published every few seconds and listened for like any other
 * message. Connections that are open prove nothing; a heartbeat that comes back does.
 */
export class Heart {
	readonly #options: HeartOptions;
	#status: BusStatus;
	#sent = 0;
	#sentMs = Number.NEGATIVE_INFINITY;
	#returned = 0;
	/** From a heartbeat's sending until it comes back. */
	readonly roundTrips = new Histogram();
	/** When a heartbeat came back, or the connections were last renewed. */
	#returnedMs: number;
	/** The heartbeat that shows that we listen to all channels; none does while we don't. */
	#proof = Number.POSITIVE_INFINITY;

	constructor(options: HeartOptions) {
		this.#options = options;
		this.#returnedMs = options.clock.now();
		this.#status = { status: "away", sinceMs: this.#returnedMs, reason: "not connected yet" };
	}

	get status(): BusStatus {
		return this.#status;
	}

	/** Whether the last heartbeat should have come back by now. */
	get isLate(): boolean {
		return this.#returned < this.#sent && this.#options.clock.now() - this.#sentMs > lateMs;
	}

	/** All channels are subscribed to. */
	listening(): void {
		this.#beat();
		this.#proof = this.#sent;
	}

	/** Somebody new listens. */
	introduce(): void {
		this.#beat();
	}

	away(reason: string): void {
		this.#proof = Number.POSITIVE_INFINITY;
		if (this.#status.status === "away") {
			this.#status = { ...this.#status, reason };
			return;
		}
		this.#status = { status: "away", sinceMs: this.#options.clock.now(), reason };
		this.#options.onAway(reason);
	}

	/** One of our own heartbeats has come back. */
	returned(beat: number): void {
		const nowMs = this.#options.clock.now();
		const isGap = beat > this.#returned + 1;
		this.#returned = beat;
		if (beat === this.#sent) this.roundTrips.observe(nowMs - this.#sentMs);
		this.#returnedMs = nowMs;
		if (this.#status.status === "up") {
			if (isGap) this.#options.onLoss();
		} else if (beat >= this.#proof) {
			const { sinceMs } = this.#status;
			this.#status = { status: "up" };
			this.#options.onUp(nowMs - sinceMs);
		}
	}

	/** Call it every half second or so. */
	tick(): void {
		const nowMs = this.#options.clock.now();
		if (nowMs - this.#sentMs >= heartbeatMs) this.#beat();
		if (nowMs - this.#returnedMs < silenceMs) return;
		this.#returnedMs = nowMs;
		if (this.#status.status === "up") this.away("it does not answer");
		this.#options.onStuck();
	}

	/** This process stood still for a while: what was sent meanwhile is yet to be read. */
	excuse(): void {
		this.#returnedMs = this.#options.clock.now();
	}

	#beat(): void {
		this.#sent += 1;
		this.#sentMs = this.#options.clock.now();
		this.#options.send(this.#sent);
	}
}
