import { type Rate, RateMeter } from "./rate-meter.ts";

/** What a connection, or a user, may send. */
export interface TrafficRates {
	readonly messages: Rate;
	readonly bytes: Rate;
}

/** What one connection, or all connections of one user, have sent. Pure. */
export class TrafficMeter {
	readonly #messages = new RateMeter();
	readonly #bytes = new RateMeter();
	/** Since when it has been overdrawn again and again; `NaN` while it is not. */
	#slowedSinceMs = Number.NaN;

	/** @returns For how long nothing more should be read, in ms; 0 when all is well. */
	charge(messages: number, bytes: number, rates: TrafficRates, nowMs: number): number {
		this.#forgive(rates, nowMs);
		this.#messages.charge(messages, rates.messages, nowMs);
		this.#bytes.charge(bytes, rates.bytes, nowMs);
		return this.overdrawnMs(rates, nowMs);
	}

	overdrawnMs(rates: TrafficRates, nowMs: number): number {
		const messagesMs = this.#messages.overdrawnMs(rates.messages, nowMs);
		return Math.max(messagesMs, this.#bytes.overdrawnMs(rates.bytes, nowMs));
	}

	/** Whether it is as if nothing had been sent. */
	isFull(nowMs: number): boolean {
		return this.#messages.isFull(nowMs) && this.#bytes.isFull(nowMs);
	}

	/** @returns For how long it has been slowed now, without a break, in ms. */
	slowed(nowMs: number): number {
		if (Number.isNaN(this.#slowedSinceMs)) this.#slowedSinceMs = nowMs;
		return nowMs - this.#slowedSinceMs;
	}

	/** Whoever keeps still for long enough has not been slowed before. */
	#forgive(rates: TrafficRates, nowMs: number): void {
		if (Number.isNaN(this.#slowedSinceMs)) return;
		if (this.#messages.isHalfFull(rates.messages, nowMs) && this.#bytes.isHalfFull(rates.bytes, nowMs))
			this.#slowedSinceMs = Number.NaN;
	}
}
