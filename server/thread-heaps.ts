import { setFlagsFromString } from "node:v8";

/**
 * Has threads that start from now on begin with a heap as V8 chooses it, whatever `--initial-heap-size` the process was started with (bin/indelible.js).
 * Nobody waits for the garbage collector of a thread that reads and merges, which would otherwise let as much gather again, and is rarely busy
 * long enough to give it back. The main thread has its heap by then.
 */
export function leaveThreadsTheirHeaps(): void {
	setFlagsFromString("--initial-heap-size=0");
}
