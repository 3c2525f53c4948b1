import { isPinned, targetProcessor } from "./pinning.ts";
import { readProcessorBusyMs } from "./process-usage.ts";
import { nowUs } from "./profile.ts";
import type { TargetProcess } from "./target-process.ts";

export interface CpuUse {
	/** Of the server, all threads. */
	readonly cpuMs: number;
	readonly tookMs: number;
	/** How much of the server's processor others took meanwhile; `NaN` when it has none of its own. */
	readonly othersCpuShare: number;
	/** Of this process, which makes the load. */
	readonly generatorCpuMs: number;
}

/** Reads what a server uses of its processor from now on, and costs it nothing. */
export function watchCpu(target: TargetProcess): { end(): CpuUse } {
	const before = target.processorMs();
	const busyBefore = readProcessorBusyMs(targetProcessor);
	const generatorBefore = process.cpuUsage();
	const fromUs = nowUs();
	return {
		end() {
			const toUs = nowUs();
			target.measuring = { fromUs, toUs };
			const { user, system } = process.cpuUsage(generatorBefore);
			const cpuMs = target.processorMs() - before;
			const busyMs = readProcessorBusyMs(targetProcessor) - busyBefore;
			const tookMs = (toUs - fromUs) / 1000;
			return {
				cpuMs,
				tookMs,
				othersCpuShare: isPinned ? Math.max(0, busyMs - cpuMs) / tookMs : Number.NaN,
				generatorCpuMs: (user + system) / 1000,
			};
		},
	};
}
