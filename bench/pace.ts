import { setTimeout as sleep } from "node:timers/promises";

export { sleep };

/** Does something at given times. @param atMs Ascending, from now on. @param act Gets the number of the time. */
export async function at(atMs: readonly number[], act: (n: number) => void): Promise<void> {
	const startMs = performance.now();
	for (const [n, dueMs] of atMs.entries()) {
		const waitMs = startMs + dueMs - performance.now();
		if (waitMs > 0) await sleep(waitMs);
		act(n);
	}
}

/** Waits until a reading has not changed for a while. @returns How long that took, in ms. */
export async function quiet(
	read: () => number,
	{ forMs, deadlineMs }: { forMs: number; deadlineMs: number },
): Promise<void> {
	const untilMs = performance.now() + deadlineMs;
	let last = read();
	let sinceMs = performance.now();
	while (performance.now() - sinceMs < forMs && performance.now() < untilMs) {
		await sleep(100);
		const now = read();
		if (now === last) continue;
		last = now;
		sinceMs = performance.now();
	}
}
