import { execFileSync, spawnSync } from "node:child_process";
import { availableParallelism, setPriority } from "node:os";

/**
 * Who runs on which processor: the target on the first, whatever makes the load on the second, so that neither takes
 * time from the other. Not so where there is no `taskset` or only one processor.
 */
export const isPinned = availableParallelism() > 1 && hasTaskset();

/** The target's. */
export const targetProcessor = 0;
const generatorProcessor = 1;

function hasTaskset(): boolean {
	try {
		execFileSync("taskset", ["--version"], { stdio: "ignore" });
		return true;
	} catch {
		return false;
	}
}

const pinAttempts = 5;
/** Any real-time priority is ahead of all who have none. */
const aheadPriority = 10;
const lowPriority = 10;
let isAhead = false;

/** Whether what is measured runs ahead of all others on the machine. */
export function runsAhead(): boolean {
	return isAhead;
}

/** Puts this process, which makes the load, on the second processor. */
export function pinGenerator(): void {
	if (isPinned) untilItWorks("taskset", ["-acp", String(generatorProcessor)]);
}

/** @returns The command that runs `command` on the first processor. */
export function pinTarget(command: readonly string[]): readonly string[] {
	const pinned = isPinned ? ["taskset", "-c", String(targetProcessor), ...command] : command;
	return isAhead ? ["chrt", "--rr", String(aheadPriority), ...pinned] : pinned;
}

/**
 * Has this process, and servers that are started from now on, run ahead of all others on the machine.
 * @throws without the right to.
 */
export function runAhead(): void {
	isAhead = true;
	if (!untilItWorks("chrt", ["--rr", "-a", "-p", String(aheadPriority)]))
		throw new Error("only root may let processes run ahead of others, and it takes chrt");
}

/** Has this process run behind whatever started it, and what that measures. @param mayWait Behind everybody else, too. */
export function stepBack(mayWait: boolean): void {
	if (mayWait) setPriority(lowPriority);
	else untilItWorks("chrt", ["--rr", "-a", "-p", String(aheadPriority - 1)]);
}

/** For all threads of this process; one that ends meanwhile makes it fail. */
function untilItWorks(command: string, settings: readonly string[]): boolean {
	for (let attempt = 1; attempt <= pinAttempts; attempt += 1)
		if (spawnSync(command, [...settings, String(process.pid)]).status === 0) return true;
	return false;
}
