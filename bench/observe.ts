import { type GeneratorUse, watchGenerator } from "./generator-watch.ts";
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

/** Measures what the target and this process use while something is done. */
export async function observe<T>(target: TargetProcess, act: () => Promise<T>): Promise<Observed<T>> {
	await target.watchLoop();
	const before = target.usage();
	const cpuMsBefore = target.processorMs();
	const busyBefore = readProcessorBusyMs(targetProcessor);
	const generator = watchGenerator();
	const fromUs = nowUs();
	const result = await act();
	const toUs = nowUs();
	const tookMs = (toUs - fromUs) / 1000;
	target.measuring = { fromUs, toUs };
	const generatorUse = generator.end();
	const cpuMs = target.processorMs() - cpuMsBefore;
	const { userMs, systemMs, residentBytes, passedBytes } = usageBetween(before, target.usage());
	const busyMs = readProcessorBusyMs(targetProcessor) - busyBefore;
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
		generator: generatorUse,
		othersCpuShare: isPinned ? Math.max(0, busyMs - cpuMs) / tookMs : Number.NaN,
	};
}
