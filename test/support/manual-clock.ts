import type { Clock } from "../../extensions/durability/clock.ts";

/** Time that passes when the test says so. */
export class ManualClock implements Clock {
	#nowMs = 0;
	#timers: { readonly atMs: number; readonly run: () => void }[] = [];

	now(): number {
		return this.#nowMs;
	}

	afterTurn(run: () => void): void {
		queueMicrotask(run);
	}

	after(delayMs: number, run: () => void): () => void {
		const timer = { atMs: this.#nowMs + delayMs, run };
		this.#timers.push(timer);
		return () => {
			this.#timers = this.#timers.filter((other) => other !== timer);
		};
	}

	random(): number {
		return 0.5;
	}

	/** Lets time pass, runs what is due, and then whatever follows from it without more time. */
	async pass(ms: number): Promise<void> {
		this.#nowMs += ms;
		const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs).sort((a, b) => a.atMs - b.atMs);
		this.#timers = this.#timers.filter((timer) => !due.includes(timer));
		for (const { run } of due) run();
		await new Promise((resolve) => setImmediate(resolve));
	}
}
