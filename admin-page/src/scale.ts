/** How plots are scaled. Pure. */

/** @returns The least round number that is not below the value: 1, 2, 2.5 or 5 times a power of ten. */
export function roundUp(value: number): number {
	if (value <= 0) return 1;
	const power = 10 ** Math.floor(Math.log10(value));
	const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= value * (1 - 1e-9)) ?? 10;
	return step * power;
}

/** The same for bytes, whose units are powers of 1024. */
export function roundUpBytes(value: number): number {
	let unit = 1;
	while (value > 1_000 * unit) unit *= 1024;
	return roundUp(value / unit) * unit;
}

/** Where a value is between the bottom, 0, and the top, 1, and where lines are drawn. */
export interface Scale {
	readonly share: (value: number) => number;
	readonly lines: readonly number[];
}

export function linear(top: number): Scale {
	return { share: (value) => Math.min(1, value / top), lines: [top / 2, top] };
}

const leastMs = 0.1;

/** Of times: what takes half a millisecond is seen beside what takes half a second. A line for each power of ten. */
export function logarithmic(highest: number): Scale {
	const decades = Math.max(3, Math.ceil(Math.log10(Math.max(highest, leastMs) / leastMs) - 1e-9));
	const share = (value: number) => Math.max(0, Math.log10(Math.max(value, leastMs) / leastMs) / decades);
	return { share, lines: Array.from({ length: decades }, (_, index) => leastMs * 10 ** (index + 1)) };
}

/** Seconds without a value over which a line goes on: someone who types now and then is one line. */
const bridgedS = 4;

/** @returns Runs of points that belong together, as indices. */
export function runsOf(column: readonly (number | null)[]): number[][] {
	const runs: number[][] = [];
	for (const [index, value] of column.entries()) {
		if (value === null) continue;
		const run = runs.at(-1);
		const before = run?.at(-1);
		if (run !== undefined && before !== undefined && index - before <= bridgedS) run.push(index);
		else runs.push([index]);
	}
	return runs;
}
