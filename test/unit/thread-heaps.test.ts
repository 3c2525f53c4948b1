import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";

const source = pathToFileURL(join(import.meta.dirname, "../../server/thread-heaps.ts")).href;
const leaving = `import { leaveThreadsTheirHeaps } from ${JSON.stringify(source)}; leaveThreadsTheirHeaps();`;

/** Replaces what has grown old, again and again; some 5 MB of it are in use. */
const churn = "const kept = []; for (let n = 0; n < 12_000_000; n += 1) kept[n % 60_000] = { n, more: [n] };";
const inThread = `import { Worker } from "node:worker_threads"; new Worker(${JSON.stringify(churn)}, { eval: true });`;

const runs = 3;

/** How often V8 looks through all of a heap, in several runs: on a machine that is busy for long, it does once for other reasons. */
function collections(script: string): number {
	const flags = ["--initial-heap-size=256", "--trace-gc", "--input-type=module", "-e", script];
	let count = 0;
	for (let run = 0; run < runs; run += 1) {
		const trace = execFileSync(process.execPath, flags, { encoding: "utf8" });
		count += trace.split("\n").filter((line) => line.includes("Mark-Compact")).length;
	}
	return count;
}

test("the main thread's heap may fill up before V8 looks through it, and those of threads only as V8 likes", () => {
	const asV8Likes = collections(`${leaving} ${inThread}`);
	expect(asV8Likes).toBeGreaterThanOrEqual(runs);
	expect(collections(`${leaving} ${churn}`)).toBeLessThan(runs);
	// Or it would not be needed.
	expect(collections(inThread)).toBeLessThan(runs);
});
