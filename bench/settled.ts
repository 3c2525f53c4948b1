import { sleep } from "./pace.ts";
import type { TargetProcess } from "./target-process.ts";

/** Longer than the stock server waits before it saves. */
const atLeastMs = 2_500;
const windowMs = 500;
/** Of a processor: a server that does no more has nothing to do. */
const idleShareMax = 0.02;
/** Nor has one that does no more than that for so many windows: it is being profiled, or clients are pinged. */
const steadyShareMax = 0.2;
const steadyWindows = 5;
const deadlineMs = 60_000;

/** Waits until a server has done what it does after an edit, so that none of that is in what is measured next. */
export async function settled(target: TargetProcess): Promise<void> {
	const startMs = performance.now();
	await sleep(atLeastMs - windowMs);
	for (let steady = 0; steady < steadyWindows; ) {
		const before = target.processorMs();
		await sleep(windowMs);
		const share = (target.processorMs() - before) / windowMs;
		if (share <= idleShareMax) return;
		steady = share <= steadyShareMax ? steady + 1 : 0;
		if (performance.now() - startMs > deadlineMs) throw new Error(`the server was busy for ${deadlineMs} ms`);
	}
}
