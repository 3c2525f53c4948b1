import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** What Linux has counted for a process since its start, all threads together. */
export interface ProcessUsage {
	readonly userMs: number;
	readonly systemMs: number;
	/** Bytes handed to `write` and its kin: files, but sockets and wake-ups between threads as well. */
	readonly passedBytes: number;
	/** Bytes of the pages that the process made dirty in files, whole pages each time (`write_bytes`). */
	readonly dirtiedBytes: number;
	/** Resident memory now. */
	readonly residentBytes: number;
}

let ticksPerSecondKnown: number | undefined;

function ticksPerSecond(): number {
	ticksPerSecondKnown ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
	return ticksPerSecondKnown;
}

/** @throws when the process is gone, or when this is not Linux. */
export function readUsage(pid: number): ProcessUsage {
	const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
	// The second field is the name in parentheses, which may hold spaces; the third is the first after it.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const ticks = (field: number) => (Number(fields[field - 3]) * 1000) / ticksPerSecond();
	const io = keyed(readFileSync(`/proc/${pid}/io`, "utf8"));
	const status = keyed(readFileSync(`/proc/${pid}/status`, "utf8"));
	return {
		userMs: ticks(14),
		systemMs: ticks(15),
		passedBytes: io.get("wchar") ?? 0,
		dirtiedBytes: io.get("write_bytes") ?? 0,
		residentBytes: (status.get("VmRSS") ?? 0) * 1024,
	};
}

/** Processor time of a process's threads, in ms, to the microsecond; {@link readUsage} counts in 10 ms. Threads that have ended are not in it. */
export interface ThreadsUsage {
	readonly mainMs: number;
	/** V8's, which compile and collect garbage. */
	readonly v8Ms: number;
	readonly othersMs: number;
}

export function readThreads(pid: number): ThreadsUsage {
	const ns = { main: 0, v8: 0, others: 0 };
	for (const thread of readdirSync(`/proc/${pid}/task`)) {
		const folder = `/proc/${pid}/task/${thread}`;
		try {
			const [used = ""] = readFileSync(`${folder}/schedstat`, "utf8").split(" ");
			const isV8s = readFileSync(`${folder}/comm`, "utf8").startsWith("node-V8Worker");
			ns[thread === String(pid) ? "main" : isV8s ? "v8" : "others"] += Number(used);
		} catch {
			// It has just ended.
		}
	}
	return { mainMs: ns.main / 1e6, v8Ms: ns.v8 / 1e6, othersMs: ns.others / 1e6 };
}

/** All of {@link readThreads} together. */
export function readProcessorMs(pid: number): number {
	const { mainMs, v8Ms, othersMs } = readThreads(pid);
	return mainMs + v8Ms + othersMs;
}

/** Time that a processor has given to processes, whichever they are, or that another machine took, in ms since the start. */
export function readProcessorBusyMs(processor: number): number {
	const line = new RegExp(`^cpu${processor} (.*)$`, "m").exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "";
	const [user = 0, nice = 0, system = 0, , , , , stolen = 0] = line.split(" ").map(Number);
	return ((user + nice + system + stolen) * 1000) / ticksPerSecond();
}

/** What was used between two readings; memory is that of the later one. */
export function usageBetween(before: ProcessUsage, after: ProcessUsage): ProcessUsage {
	return {
		userMs: after.userMs - before.userMs,
		systemMs: after.systemMs - before.systemMs,
		passedBytes: after.passedBytes - before.passedBytes,
		dirtiedBytes: after.dirtiedBytes - before.dirtiedBytes,
		residentBytes: after.residentBytes,
	};
}

/** Processor time that each of several has used while something was done, in ms. */
export async function cpuOf<T>(
	processes: readonly { processorMs(): number }[],
	act: () => Promise<T>,
): Promise<{ cpuMs: number[]; tookMs: number; result: T }> {
	const beforeMs = processes.map((one) => one.processorMs());
	const startedMs = performance.now();
	const result = await act();
	const tookMs = performance.now() - startedMs;
	const cpuMs = processes.map((one, n) => one.processorMs() - (beforeMs[n] ?? Number.NaN));
	return { cpuMs, tookMs, result };
}

function keyed(text: string): Map<string, number> {
	return new Map(
		text.split("\n").map((line) => {
			const [key = "", value = ""] = line.split(":");
			return [key, Number.parseInt(value, 10)];
		}),
	);
}
