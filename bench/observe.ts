import { watchLoop } from "./loop-watch.ts";
import { isPinned, targetProcessor } from "./pinning.ts";
import { readProcessorBusyMs, usageBetween } from "./process-usage.ts";
import { nowUs } from "./profile.ts";
import type { TargetProcess } from "./target-process.ts";

/** What a server and the generator of its load did while something was measured. */
export interface Observed<T> {
	readonly result: T;
	readonly tookMs: number;
	/** Of the server, all threads. */
	readonly cpuMs: number;
	/** What of it was whose, in steps of 10 ms. */
	readonly userMs: number;
	readonly systemMs: number;
	/** Of the server, at the end. */
	readonly residentBytes: number;
	/** What the server has handed to `write` and its kin. */
	readonly passedBytes: number;
	/** 99th percentile of how late the server's event loop was. */
	readonly loopDelayP99Ms: number;
	readonly generator: GeneratorUse;
	/** How much of the server's processor others took meanwhile; `NaN` when it has none of its own. */
	readonly othersCpuShare: number;
}

interface GeneratorUse {
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

/** Measures what the target and this process use while something is done. */
export async function observe<T>(target: TargetProcess, act: () => Promise<T>): Promise<Observed<T>> {
	const watch = watchLoop();
	await target.watchLoop();
	watch.start();
	const before = target.usage();
	const cpuMsBefore = target.processorMs();
	const busyBefore = readProcessorBusyMs(targetProcessor);
	const cpuBefore = process.cpuUsage();
	const fromUs = nowUs();
	const result = await act();
	const toUs = nowUs();
	const tookMs = (toUs - fromUs) / 1000;
	target.measuring = { fromUs, toUs };
	const { user, system } = process.cpuUsage(cpuBefore);
	const cpuMs = target.processorMs() - cpuMsBefore;
	const { userMs, systemMs, residentBytes, passedBytes } = usageBetween(before, target.usage());
	const busyMs = readProcessorBusyMs(targetProcessor) - busyBefore;
	const generatorDelayMs = watch.end();
	const loopDelayP99Ms = await target.loopDelayP99Ms();
	return {
		result,
		tookMs,
		cpuMs,
		userMs,
		systemMs,
		residentBytes,
		passedBytes,
		loopDelayP99Ms,
		generator: { cpuShare: (user + system) / 1000 / tookMs, loopDelayP99Ms: generatorDelayMs },
		othersCpuShare: isPinned ? Math.max(0, busyMs - cpuMs) / tookMs : Number.NaN,
	};
}

/** @param delayP99Ms The 99th percentile that was measured. @returns Whether the figures are the generator's, not the server's. */
export function isLimit({ cpuShare, loopDelayP99Ms }: GeneratorUse, delayP99Ms: number): boolean {
	if (cpuShare > cpuShareMax) return true;
	return loopDelayP99Ms > negligibleDelayMs && loopDelayP99Ms > delayP99Ms * delayShareMax;
}
