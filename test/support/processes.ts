import { execFileSync } from "node:child_process";

/** Processes that this one has started, and those that they have started. */
export function descendantsOf(pid: number): number[] {
	const table = execFileSync("ps", ["-e", "-o", "pid=,ppid="], { encoding: "utf8" });
	const rows = table
		.trim()
		.split("\n")
		.map((line) => line.trim().split(/\s+/).map(Number));
	const found = [pid];
	for (const parent of found)
		for (const [child, its] of rows) if (its === parent && child !== undefined) found.push(child);
	return found.slice(1);
}

export function isRunning(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
