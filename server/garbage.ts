import { setFlagsFromString } from "node:v8";

/** The first V8 that is known to have the flag: that of Node.js 26. Others print what they don't know. */
const [majorMin, minorMin] = [14, 6];

/**
 * Keeps V8 from collecting all of the heap when it is nowhere near its limit. After a collection of new objects that finds few of them alive, V8
 * lowers the limit at which it collects everything. A node has little alive and many short-lived buffers: where people add pictures, it
 * collected everything every few seconds, 10 to 50 ms of the event loop each time (`--trace-gc`), with nothing to gain.
 */
export function collectLessOften(v8: string = process.versions.v8): void {
	const [major = 0, minor = 0] = v8.split(".").map(Number);
	if (major > majorMin || (major === majorMin && minor >= minorMin))
		setFlagsFromString("--no-scavenger-updates-allocation-limit");
}
