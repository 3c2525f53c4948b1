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
