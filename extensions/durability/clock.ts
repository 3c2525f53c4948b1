/** The passage of time, so that tests can own it. */
export interface Clock {
	/** Milliseconds since an arbitrary moment; never goes back. */
	now(): number;
	/** Runs `run` once, after all that this turn of the event loop has received. */
	afterTurn(run: () => void): void;
	/** Runs `run` once after `delayMs`; the returned function takes it back. */
	after(delayMs: number, run: () => void): () => void;
	/** From 0 up to 1, for jitter. */
	random(): number;
}

export const systemClock: Clock = {
	now: () => performance.now(),
	afterTurn: (run) => {
		setImmediate(run);
	},
	after: (delayMs, run) => {
		const timer = setTimeout(run, delayMs);
		return () => clearTimeout(timer);
	},
	random: Math.random,
};
