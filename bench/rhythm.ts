import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** When somebody presses a key, in ms from the start, ascending. */
export type Rhythm = readonly number[];

/** Longer pauses in a trace are cut to this: the measurement would mostly wait. */
const pauseMsMax = 15_000;

/**
 * Bursts of 10 to 40 keystrokes at about 5 a second, with pauses of 1 to 6 s to think between them. The same for every
 * target, as chance has no part in it.
 */
export function invented(durationMs: number): Rhythm {
	const times: number[] = [];
	let atMs = 0;
	for (let burst = 0; atMs < durationMs; burst += 1) {
		const length = 10 + ((burst * 17) % 31);
		for (let n = 0; n < length && atMs < durationMs; n += 1) {
			times.push(atMs);
			atMs += 140 + ((n * 53 + burst * 29) % 121);
		}
		atMs += 1000 + ((burst * 2311) % 5001);
	}
	return times;
}

interface Trace {
	readonly txns: readonly { readonly agent?: number; readonly time?: string }[];
}

/**
 * The rhythm of the person who did most in a real editing trace (gzipped JSON, `txns[].{agent, time}`). Such traces
 * know whole seconds, so the edits of a second are spread over it.
 */
export function readRhythm(path: string, durationMs: number): Rhythm {
	const { txns } = JSON.parse(gunzipSync(readFileSync(path)).toString()) as Trace;
	const byAgent = Map.groupBy(
		txns.filter(({ time }) => time !== undefined),
		({ agent = 0 }) => agent,
	);
	const [busiest] = [...byAgent.values()].sort((a, b) => b.length - a.length);
	if (busiest === undefined) throw new Error(`${path} has no times`);
	const seconds = Map.groupBy(busiest, ({ time = "" }) => Math.floor(Date.parse(time) / 1000));
	const times: number[] = [];
	let atMs = 0;
	let previous: number | undefined;
	for (const [second, edits] of [...seconds].sort(([a], [b]) => a - b)) {
		if (previous !== undefined) atMs += Math.min((second - previous) * 1000, pauseMsMax);
		if (atMs >= durationMs) break;
		previous = second;
		edits.forEach((_, n) => {
			times.push(atMs + (n * 1000) / edits.length);
		});
	}
	return times;
}
