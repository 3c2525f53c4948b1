import { sleep } from "./pace.ts";
import type { TargetProcess } from "./target-process.ts";

/** Longer than the stock server waits before it saves. */
const atLeastMs = 2_500;
const windowMs = 500;
const busyMs = 10;
const deadlineMs = 60_000;

/** Waits until a server has done what it does after an edit, so that none of that is in what is measured next. */
export async function settled(target: TargetProcess): Promise<void> {
	const startMs = performance.now();
	await sleep(atLeastMs - windowMs);
	for (;;) {
		const before = target.processorMs();
		await sleep(windowMs);
		if (target.processorMs() - before < busyMs) return;
		if (performance.now() - startMs > deadlineMs) throw new Error(`the server was busy for ${deadlineMs} ms`);
	}
}
