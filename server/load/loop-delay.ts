/**
 * How late the event loop is, from a timer's own lateness. A histogram of perf_hooks would wake an idle process fifty times
 * a second; this wakes it once, and looks closely only while a long wait is possible at all: whoever waits for as long as the
 * limit waits for a loop that was busy for that long. Pure.
 */

export const samplePeriodMs = 1_000;
const closeProbeMs = 50;

/** What a probe has found, and when to come back. */
export interface Probe {
	readonly nextInMs: number;
	/** The longest wait of the period, when one is complete. */
	readonly loopDelayMs?: number;
}

export class LoopDelay {
	readonly #limitMs: number;
	#dueMs: number;
	#periodStartMs: number;
	#busyMsAtStart: number;
	#isClose = false;
	#worstMs = 0;

	/**
	 * @param limitMs The wait that matters.
	 * @param nowMs When the first probe was asked for; it is due after {@link samplePeriodMs}.
	 * @param busyMs Time that the loop has been busy altogether until now.
	 */
	constructor(limitMs: number, nowMs: number, busyMs: number) {
		this.#limitMs = limitMs;
		this.#dueMs = nowMs + samplePeriodMs;
		this.#periodStartMs = nowMs;
		this.#busyMsAtStart = busyMs;
	}

	/** The timer has fired. */
	probe(nowMs: number, busyMs: number): Probe {
		this.#worstMs = Math.max(this.#worstMs, nowMs - this.#dueMs);
		const sample = nowMs - this.#periodStartMs < samplePeriodMs ? {} : this.#endPeriod(nowMs, busyMs);
		const nextInMs = this.#isClose ? closeProbeMs : samplePeriodMs;
		this.#dueMs = nowMs + nextInMs;
		return { nextInMs, ...sample };
	}

	#endPeriod(nowMs: number, busyMs: number): { readonly loopDelayMs: number } {
		const loopDelayMs = this.#worstMs;
		// Half of it, because the wait may lie across two periods.
		this.#isClose = busyMs - this.#busyMsAtStart >= this.#limitMs / 2;
		this.#worstMs = 0;
		this.#periodStartMs = nowMs;
		this.#busyMsAtStart = busyMs;
		return { loopDelayMs };
	}
}
