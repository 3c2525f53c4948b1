import { execFileSync, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/**
 * Who runs on which processor: the target on the first, whatever makes the load on the second, so that neither takes
 * time from the other. Not so where there is no `taskset` or only one processor.
 */
export const isPinned = availableParallelism() > 1 && hasTaskset();

/** The target's. */
export const targetProcessor = 0;
/** Of the load, and of what servers share. */
export const generatorProcessor = 1;

function hasTaskset(): boolean {
	try {
		execFileSync("taskset", ["--version"], { stdio: "ignore" });
		return true;
	} catch {
		return false;
	}
}

const pinAttempts = 5;

/** Puts this process, which makes the load, on the second processor. */
export function pinGenerator(): void {
	// All its threads; one that ends meanwhile makes `taskset` fail.
	for (let attempt = 1; isPinned && attempt <= pinAttempts; attempt += 1) {
		if (spawnSync("taskset", ["-acp", String(generatorProcessor), String(process.pid)]).status === 0) return;
	}
}

/** @returns The command that runs `command` on the first processor. */
export function pinTarget(command: readonly string[]): readonly string[] {
	return isPinned ? ["taskset", "-c", String(targetProcessor), ...command] : command;
}
