/** Something whose cost is measured. */
export interface Work {
	readonly what: string;
	/** Makes what one run uses up; its time does not count. */
	readonly prepare?: () => void;
	readonly run: () => unknown;
	/** How often it would have to be run for the same result; 1 by default. */
	readonly repeats?: number;
}

/** A hot function beside the plain way to the same result. What is guarded is how many times cheaper it is. */
export interface Comparison {
	readonly name: string;
	readonly ours: Work;
	readonly plain: Work;
	/** Time of the plain way ÷ ours, at least. Well below what is measured, so that only a real loss fails. */
	readonly timesMin: number;
}

export interface Compared {
	readonly oursMicros: number;
	readonly plainMicros: number;
	/** How many times cheaper ours is. */
	readonly times: number;
	readonly rounds: number;
}

const roundsMin = 15;
/** Rounds that do not count: the compiler is still at work. */
const warmUpRounds = 5;

/**
 * Runs the two in turn, so that whatever else the machine does hits both, and compares their medians.
 * @param budgetMs For all rounds; there are 15 at least.
 */
export function compare({ ours, plain }: Comparison, budgetMs: number): Compared {
	const [oursMs, plainMs]: [number[], number[]] = [[], []];
	const startedMs = performance.now();
	for (let round = 0; round < roundsMin || performance.now() - startedMs < budgetMs; round += 1) {
		// Whoever comes second finds the caches as the first one has left them.
		const isTurned = round % 2 === 1;
		const firstMs = timeOf(isTurned ? plain : ours);
		const secondMs = timeOf(isTurned ? ours : plain);
		if (round < warmUpRounds) continue;
		oursMs.push(isTurned ? secondMs : firstMs);
		plainMs.push(isTurned ? firstMs : secondMs);
	}
	const [oursMicros, plainMicros] = [median(oursMs) * 1_000, median(plainMs) * 1_000];
	return { oursMicros, plainMicros, times: plainMicros / oursMicros, rounds: oursMs.length };
}

function timeOf({ prepare, run, repeats = 1 }: Work): number {
	prepare?.();
	const startedMs = performance.now();
	const result = run();
	const tookMs = performance.now() - startedMs;
	// Looked at, so that no compiler leaves out what leads to it.
	if (result === timeOf) throw new Error("a result that can't be");
	return tookMs * repeats;
}

function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
