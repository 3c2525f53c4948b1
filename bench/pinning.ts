import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

/**
 * Who runs on which processor: the target on the first, whatever makes the load on the second, so that neither takes
 * time from the other. Not so where there is no `taskset` or only one processor.
 */
export const isPinned = availableParallelism() > 1 && hasTaskset();

function hasTaskset(): boolean {
	try {
		execFileSync("taskset", ["--version"], { stdio: "ignore" });
		return true;
	} catch {
		return false;
	}
}

/** Puts this process, which makes the load, on the second processor. */
export function pinGenerator(): void {
	if (isPinned) execFileSync("taskset", ["-acp", "1", String(process.pid)], { stdio: "ignore" });
}

/** @returns The command that runs `command` on the first processor. */
export function pinTarget(command: readonly string[]): readonly string[] {
	return isPinned ? ["taskset", "-c", "0", ...command] : command;
}
