/**
 * Ends processes whose owner is gone, however it went: reads lines `<pid> <signal>` and `<pid>` (no longer) from its
 * standard input, and when that ends sends the signals of those that are left.
 */
import { createInterface } from "node:readline";

const signals = new Map<number, NodeJS.Signals>();
for await (const line of createInterface({ input: process.stdin })) {
	const [pid, signal] = line.split(" ");
	if (signal === undefined) signals.delete(Number(pid));
	else signals.set(Number(pid), signal as NodeJS.Signals);
}
for (const [pid, signal] of signals) {
	try {
		process.kill(pid, signal);
	} catch {
		// It has ended by itself.
	}
}
