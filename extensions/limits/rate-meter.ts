/** How much may come. */
export interface Rate {
	/** In the long run; 0 for any. */
	readonly perSecond: number;
	/** At once, after a time with less. */
	readonly burst: number;
}

/**
 * A token bucket in one number: when it would be full again if nothing came any more. What comes is never refused, only
 * counted; whoever has overdrawn is to be read later. Pure; the time is given, in ms since any moment.
 */
export class RateMeter {
	#fullAtMs = Number.NEGATIVE_INFINITY;

	charge(amount: number, { perSecond }: Rate, nowMs: number): void {
		if (perSecond > 0) this.#fullAtMs = Math.max(this.#fullAtMs, nowMs) + (amount * 1_000) / perSecond;
	}

	/** Time until there is something to take again, in ms; 0 when there is. */
	overdrawnMs({ perSecond, burst }: Rate, nowMs: number): number {
		if (perSecond === 0) return 0;
		return Math.max(0, this.#fullAtMs - nowMs - (burst * 1_000) / perSecond);
	}

	/** What there is to take; 0 when it is overdrawn. */
	left({ perSecond, burst }: Rate, nowMs: number): number {
		return Math.max(0, burst - (Math.max(0, this.#fullAtMs - nowMs) * perSecond) / 1_000);
	}

	/** Whether nothing of it is taken. */
	isFull(nowMs: number): boolean {
		return this.#fullAtMs <= nowMs;
	}

	/** Whether less than half of it is taken. */
	isHalfFull({ perSecond, burst }: Rate, nowMs: number): boolean {
		return perSecond === 0 || this.#fullAtMs - nowMs <= (burst * 500) / perSecond;
	}
}
