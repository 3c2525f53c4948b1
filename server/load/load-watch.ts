import { totalmem } from "node:os";
import { performance } from "node:perf_hooks";
import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8";
import type { DurabilityLogger } from "../../extensions/durability/index.ts";
import { Histogram } from "../../extensions/metrics/histogram.ts";
import type { MetricSink } from "../../extensions/metrics/index.ts";
import { CollectionPace } from "./collection-pace.ts";
import { oldGenerationLimit } from "./heap-limit.ts";
import { inviteCollection } from "./invite-collection.ts";
import { type LoadBounds, type LoadChange, LoadLimits, type LoadMeasure } from "./load-limits.ts";
import { declareLoadMetrics } from "./load-metrics.ts";
import { LoopDelay, samplePeriodMs } from "./loop-delay.ts";
import { memoryLimit } from "./memory-limit.ts";
import { ShedPace } from "./shed-pace.ts";

export interface LoadWatchOptions {
	readonly loopDelayMsMax: number;
	/** In bytes; 0 derives it from the container or the machine. */
	readonly memoryBytesMax: number;
	readonly backlogBytesMax: number;
	readonly connectionsMax: number;
	/** How many WebSockets are open. */
	readonly connections: () => number;
	/** Memory that edits take which the store has not taken yet, in bytes. */
	readonly backlogBytes: () => number;
	/** Lets go of what is in memory for nobody now. @returns How much there was. */
	readonly release: () => number;
	/** Closes so many connections, those that are idle for longest. @returns How many there were to close. */
	readonly shed: (connections: number) => number;
	readonly logger: DurabilityLogger;
}

/**
 * Looks at this process once a second while it serves anybody, and says whether somebody new may come [TRN4]. It has no
 * timer while nobody is connected: there is nobody to protect then, and memory is only given back by a process that works.
 */
export class LoadWatch {
	readonly #options: LoadWatchOptions;
	readonly #limits: LoadLimits;
	readonly #collectionPace = new CollectionPace();
	readonly #shedPace = new ShedPace();
	#timer: NodeJS.Timeout | undefined;
	#refusedSockets = 0;
	#refusedSocketsTotal = 0;
	readonly #bounds: LoadBounds;
	readonly #loopDelays = new Histogram();
	#isClosed = false;

	constructor(options: LoadWatchOptions) {
		this.#options = options;
		this.#bounds = {
			...options,
			heapBytesMax: oldGenerationLimit(nodeFlags(), getHeapStatistics().heap_size_limit),
			memoryBytesMax: memoryLimit(options.memoryBytesMax, {
				constrainedBytes: process.constrainedMemory(),
				totalBytes: totalmem(),
			}),
		};
		this.#limits = new LoadLimits(this.#bounds);
	}

	declareMetrics(sink: MetricSink): void {
		declareLoadMetrics(sink, {
			bounds: this.#bounds,
			loopDelays: this.#loopDelays,
			heapBytes: oldGenerationBytes,
			memoryBytes: memoryBytesInUse,
			refusedSockets: () => this.#refusedSocketsTotal,
		});
	}

	/** Why people should be sent elsewhere, if so. */
	get problems(): readonly string[] {
		return this.#limits.problems;
	}

	/** Whether less memory in use would help. */
	get isMemoryShort(): boolean {
		return this.#limits.isMemoryExceeded;
	}

	/**
	 * Somebody wants a WebSocket.
	 * @returns Why it can't have one, if so.
	 */
	refusal(): string | undefined {
		this.#start();
		const problem = this.#limits.refusal(this.#options.connections());
		if (problem === undefined) return undefined;
		this.#refusedSockets += 1;
		this.#refusedSocketsTotal += 1;
		return problem;
	}

	/** Stops looking, for good. */
	close(): void {
		this.#isClosed = true;
		this.#stop();
	}

	#start(): void {
		if (this.#timer !== undefined || this.#isClosed) return;
		const delay = new LoopDelay(this.#options.loopDelayMsMax, performance.now(), busyMs());
		this.#probeAfter(samplePeriodMs, delay);
	}

	#stop(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	#probeAfter(inMs: number, delay: LoopDelay): void {
		this.#timer = setTimeout(() => this.#probe(delay), inMs).unref();
	}

	#probe(delay: LoopDelay): void {
		const connections = this.#options.connections();
		const { nextInMs, loopDelayMs } = delay.probe(performance.now(), busyMs());
		if (connections === 0) {
			this.#stop();
			this.#report(this.#limits.rest());
			return;
		}
		this.#probeAfter(nextInMs, delay);
		if (loopDelayMs === undefined) return;
		this.#loopDelays.observe(loopDelayMs);
		const heapBytes = oldGenerationBytes();
		const memoryBytes = memoryBytesInUse();
		const backlogBytes = this.#options.backlogBytes();
		this.#report(this.#limits.take({ loopDelayMs, heapBytes, memoryBytes, backlogBytes, connections }));
		const { isMemoryExceeded } = this.#limits;
		if (this.#collectionPace.take(heapBytes, isMemoryExceeded)) inviteCollection();
		if (isMemoryExceeded && this.#options.release() > 0) inviteCollection();
		const tooMany = this.#shedPace.take(isMemoryExceeded, connections);
		if (tooMany > 0 && this.#options.shed(tooMany) > 0) inviteCollection();
	}

	#report(changes: readonly LoadChange[]): void {
		const { logger, connections } = this.#options;
		for (const { type, measure, peak, limit } of changes) {
			const figures = {
				measure,
				peak: Math.round(peak),
				limit: Math.round(limit),
				connections: connections(),
			};
			if (type === "exceeded") logger.warn(figures, begins[measure]);
			else logger.info({ ...figures, refusedSockets: this.#refusedSockets }, ends[measure]);
		}
		if (changes.length > 0 && this.problems.length === 0) this.#refusedSockets = 0;
	}
}

const begins: Readonly<Record<LoadMeasure, string>> = {
	loopDelayMs: "the event loop falls behind: new sockets are refused",
	heapBytes: "the JavaScript heap is nearly full: new sockets are refused",
	memoryBytes: "the process is past its memory limit: new sockets are refused",
	backlogBytes: "edits wait for the store: new sockets are refused",
	connections: "all connections are taken: new sockets are refused",
};
const ends: Readonly<Record<LoadMeasure, string>> = {
	loopDelayMs: "the event loop keeps up again",
	heapBytes: "the JavaScript heap has room again",
	memoryBytes: "the process is below its memory limit again",
	backlogBytes: "the store has caught up",
	connections: "connections are free again",
};

/** Time that the event loop of this thread has been busy, since its start. */
function busyMs(): number {
	return performance.eventLoopUtilization().active;
}

/** Flags on the command line win over those of the environment. */
function nodeFlags(): string {
	return [process.env.NODE_OPTIONS ?? "", ...process.execArgv].join(" ");
}

function oldGenerationBytes(): number {
	return getHeapSpaceStatistics()
		.filter(({ space_name }) => !space_name.startsWith("new_"))
		.reduce((bytes, { space_used_size }) => bytes + space_used_size, 0);
}

/** Resident memory without the pages of the heap that are free: V8 keeps them, and uses them before it asks for more. */
function memoryBytesInUse(): number {
	const { total_physical_size, used_heap_size } = getHeapStatistics();
	return process.memoryUsage.rss() - Math.max(0, total_physical_size - used_heap_size);
}
