import { watchLoop } from "./loop-watch.ts";
import { generatorProcessor, isPinned } from "./pinning.ts";
import { readProcessorBusyMs } from "./process-usage.ts";

/** What made the load used of its processor. Without room to spare, what was measured is its own. */
export interface GeneratorUse {
	/** Of one processor: 1 is all of it. */
	readonly cpuShare: number;
	readonly loopDelayP99Ms: number;
}

/** From here on the generator's processor has nothing to spare. */
const cpuShareMax = 0.9;
/** A late generator may make up so much of a delay that it measures. */
const delayShareMax = 0.5;
/** So much lateness matters to nobody. */
const negligibleDelayMs = 3;

/** @param delayP99Ms The 99th percentile that was measured; without end, if no time was. @returns Whether the figures are the generator's, not the server's. */
export function isLimit({ cpuShare, loopDelayP99Ms }: GeneratorUse, delayP99Ms: number): boolean {
	if (cpuShare > cpuShareMax) return true;
	return loopDelayP99Ms > negligibleDelayMs && loopDelayP99Ms > delayP99Ms * delayShareMax;
}

/** The figures of a row that say whether it can be trusted. @param delayP99Ms As above. */
export function generatorFigures(use: GeneratorUse, delayP99Ms = Number.POSITIVE_INFINITY) {
	return {
		generatorCpuShare: use.cpuShare,
		generatorLoopDelayP99Ms: use.loopDelayP99Ms,
		generatorWasLimit: isLimit(use, delayP99Ms) ? 1 : 0,
	};
}

/**
 * Watches what this process, which makes the load, uses of its processor from now on.
 * @param who `processor`: all that run there, where Redis, PostgreSQL and HAProxy share it.
 */
export function watchGenerator(who: "process" | "processor" = "process"): { end(): GeneratorUse } {
	const loop = watchLoop();
	loop.start();
	const readMs = () => {
		if (who === "processor" && isPinned) return readProcessorBusyMs(generatorProcessor);
		const { user, system } = process.cpuUsage();
		return (user + system) / 1000;
	};
	const beforeMs = readMs();
	const startMs = performance.now();
	return {
		end() {
			const cpuShare = (readMs() - beforeMs) / (performance.now() - startMs);
			return { cpuShare, loopDelayP99Ms: loop.end() };
		},
	};
}

const sampleMs = 20;

interface Sample {
	readonly atMs: number;
	readonly cpuMs: number;
}

/** Reads from time to time what this process, which makes the load, uses of its processor. */
export class GeneratorWatch {
	readonly #samples: Sample[] = [];
	readonly #timer = setInterval(() => this.#look(), sampleMs);

	constructor() {
		this.#look();
	}

	end(): void {
		clearInterval(this.#timer);
		this.#look();
	}

	/** @param fromMs On the clock of `performance.now()`. @returns The share of a processor that it used between two moments. */
	cpuShare(fromMs: number, toMs: number): number {
		const within = this.#samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs + sampleMs);
		const first = within.at(0);
		const last = within.at(-1);
		if (first === undefined || last === undefined || last.atMs === first.atMs) return Number.NaN;
		return (last.cpuMs - first.cpuMs) / (last.atMs - first.atMs);
	}

	#look(): void {
		const { user, system } = process.cpuUsage();
		this.#samples.push({ atMs: performance.now(), cpuMs: (user + system) / 1000 });
	}
}
