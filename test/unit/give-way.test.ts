import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { SqliteStore } from "../../extensions/durability/sqlite/sqlite-store.ts";

/** The nice values of this process' threads (`proc_pid_stat(5)`: the 19th field), by how many threads have them. */
function nicenesses(): Map<number, number> {
	const counts = new Map<number, number>();
	for (const thread of readdirSync("/proc/self/task")) {
		const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
		const niceness = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
		counts.set(niceness, (counts.get(niceness) ?? 0) + 1);
	}
	return counts;
}

test.runIf(process.platform === "linux")(
	"threads that store, read and merge give way to the event loop",
	async () => {
		const folder = mkdtempSync(join(tmpdir(), "indelible-test-"));
		onTestFinished(() => rmSync(folder, { recursive: true }));
		const [before = 0] = [nicenesses().get(5)];
		const store = new SqliteStore({ path: join(folder, "indelible.db") });
		onTestFinished(() => store.close());
		await store.open();
		await store.load("doc");
		expect((nicenesses().get(5) ?? 0) - before).toBe(2);
		expect(getPriority()).toBe(0);
	},
);
