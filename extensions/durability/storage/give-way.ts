import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { basename } from "node:path";

/** Between the default, 0, and the lowest, 19: where both have much to do, some three quarters of a processor go to the others. */
const niceness = 5;

/**
 * Has this worker thread give way to the threads that people wait for, where they share a processor. On Linux alone, where a thread
 * has a priority of its own (`sched(7)`); elsewhere it does nothing.
 */
export function giveWay(): void {
	try {
		setPriority(Number(basename(readlinkSync("/proc/thread-self"))), niceness);
	} catch {
		// No Linux, or no /proc: it works all the same.
	}
}
