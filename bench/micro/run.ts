import { tmpdir } from "node:os";
import { describeEnvironment, showEnvironment } from "../environment.ts";
import { microseconds, table } from "../show.ts";
import { compare } from "./compare.ts";
import { comparisons } from "./comparisons.ts";

/** For each comparison. */
const budgetMs = 700;

console.info(`${showEnvironment(describeEnvironment("npm run bench:micro", tmpdir()))}\n`);

let failed = 0;
const rows: string[][] = [];
for (const make of comparisons) {
	const comparison = await make();
	const { name, ours, plain, timesMin } = comparison;
	const { oursMicros, plainMicros, times } = compare(comparison, budgetMs);
	const isEnough = times >= timesMin;
	if (!isEnough) failed += 1;
	const cells = [microseconds(oursMicros / 1_000), microseconds(plainMicros / 1_000), times.toFixed(1)];
	rows.push([name, ours.what, plain.what, ...cells, `${timesMin}${isEnough ? "" : ", MISSED"}`]);
	console.error(`${name}: ${times.toFixed(1)} times cheaper`);
}
console.info(`\n${table(["", "ours", "plainly", "ours", "plainly", "times cheaper", "at least"], rows)}`);
if (failed > 0) console.error(`${failed} of ${comparisons.length} cost more than they may.`);
// Hocuspocus' documents have timers.
process.exit(failed > 0 ? 1 : 0);
