/**
 * When a node takes nobody new because those whom it serves need all that it has [TRN4]. A limit counts as exceeded only
 * after several samples in a row, so that one collection of garbage or one big document that opens turns nobody away, and
 * it ends only when the load has been clearly below for longer, so that the node does not open and shut. Pure.
 */

/** What one look at the process has found. */
export interface LoadSample {
	/** The longest that anything had to wait for the event loop since the sample before, in ms. */
	readonly loopDelayMs: number;
	/** Old generation of the JavaScript heap, garbage that was not collected yet included, in bytes. */
	readonly heapBytes: number;
	/** Resident memory of the whole process, without free pages of the heap, in bytes. */
	readonly memoryBytes: number;
	/** Memory that edits take which the store has not taken yet. */
	readonly backlogBytes: number;
	/** Open WebSockets. */
	readonly connections: number;
}

export type LoadMeasure = keyof LoadSample;

interface Limit {
	/** A sample that is this high or higher is over the limit. */
	readonly enterAt: number;
	/** Samples over the limit, in a row, until it is exceeded. */
	readonly enterSamples: number;
	/** Below this a sample is calm again; in between it changes nothing. */
	readonly leaveBelow: number;
}

/** Calm samples in a row until it is over. */
export const leaveSamples = 5;
const enterSamples = 3;

export interface LoadBounds {
	readonly loopDelayMsMax: number;
	/** What V8 gives the old generation before it ends the process, in bytes. */
	readonly heapBytesMax: number;
	/** Resident memory that the process should not pass, in bytes. */
	readonly memoryBytesMax: number;
	/** Memory for edits that wait for the store, past which those who write are sent away. */
	readonly backlogBytesMax: number;
	readonly connectionsMax: number;
}

/** Before anybody has to go, nobody else comes. */
const backlogShare = 0.5;

/**
 * V8 collects garbage at the latest half way between what was alive after the last collection and its limit: 90 % in use
 * means that 80 % was alive.
 */
const heapShare = 0.9;

function limitsFor(bounds: LoadBounds): Readonly<Record<LoadMeasure, Limit>> {
	const { loopDelayMsMax, heapBytesMax, memoryBytesMax, backlogBytesMax, connectionsMax } = bounds;
	return {
		loopDelayMs: { enterAt: loopDelayMsMax, enterSamples, leaveBelow: loopDelayMsMax / 2 },
		heapBytes: {
			enterAt: heapBytesMax * heapShare,
			enterSamples,
			leaveBelow: heapBytesMax * heapShare * 0.9,
		},
		memoryBytes: { enterAt: memoryBytesMax, enterSamples, leaveBelow: memoryBytesMax * 0.9 },
		backlogBytes: {
			enterAt: backlogBytesMax * backlogShare,
			enterSamples,
			leaveBelow: (backlogBytesMax * backlogShare) / 2,
		},
		// A count is never a passing spike.
		connections: { enterAt: connectionsMax, enterSamples: 1, leaveBelow: connectionsMax * 0.95 },
	};
}

/** One measure is past its limit, or no longer. */
export interface LoadChange {
	readonly type: "exceeded" | "relieved";
	readonly measure: LoadMeasure;
	/** The highest sample from the first over the limit until now. */
	readonly peak: number;
	readonly limit: number;
}

type State =
	| { readonly status: "within"; readonly samplesOver: number; readonly peak: number }
	| { readonly status: "exceeded"; readonly samplesCalm: number; readonly peak: number };

const calm: State = { status: "within", samplesOver: 0, peak: 0 };

export class LoadLimits {
	readonly #connectionsMax: number;
	readonly #limits: Readonly<Record<LoadMeasure, Limit>>;
	readonly #states: Record<LoadMeasure, State> = {
		loopDelayMs: calm,
		heapBytes: calm,
		memoryBytes: calm,
		backlogBytes: calm,
		connections: calm,
	};

	constructor(bounds: LoadBounds) {
		this.#connectionsMax = bounds.connectionsMax;
		this.#limits = limitsFor(bounds);
	}

	/** Why nobody new should come, for people; empty while all is well. */
	get problems(): string[] {
		return measures.flatMap((measure) => this.#problemWith(measure));
	}

	/**
	 * Why whoever comes now can't be served, if so. Connections are counted at this moment: a full node takes nobody more, and
	 * a place that is free is given away even while people are being sent elsewhere.
	 */
	refusal(connections: number): string | undefined {
		if (connections >= this.#connectionsMax) return inWords("connections", connections, this.#connectionsMax);
		return measures
			.filter((measure) => measure !== "connections")
			.flatMap((measure) => this.#problemWith(measure))[0];
	}

	/** Whether less memory in use would help. */
	get isMemoryExceeded(): boolean {
		return this.#isExceeded("heapBytes") || this.#isExceeded("memoryBytes");
	}

	/** @returns What this sample has changed. */
	take(sample: LoadSample): readonly LoadChange[] {
		return measures.flatMap((measure) => {
			const before = this.#states[measure];
			const limit = this.#limits[measure];
			const after = next(before, sample[measure], limit);
			this.#states[measure] = after;
			return changeOf(measure, before, after, limit);
		});
	}

	/** Nobody is served, so nobody needs to be protected from more. */
	rest(): readonly LoadChange[] {
		return measures.flatMap((measure) => {
			const before = this.#states[measure];
			this.#states[measure] = calm;
			return changeOf(measure, before, calm, this.#limits[measure]);
		});
	}

	#isExceeded(measure: LoadMeasure): boolean {
		return this.#states[measure].status === "exceeded";
	}

	#problemWith(measure: LoadMeasure): string[] {
		const state = this.#states[measure];
		return state.status === "exceeded" ? [inWords(measure, state.peak, this.#limits[measure].enterAt)] : [];
	}
}

const measures: readonly LoadMeasure[] = [
	"loopDelayMs",
	"heapBytes",
	"memoryBytes",
	"backlogBytes",
	"connections",
];

function next(state: State, value: number, limit: Limit): State {
	const isOver = value >= limit.enterAt;
	const peak = Math.max(state.peak, value);
	if (state.status === "exceeded") {
		const samplesCalm = value < limit.leaveBelow ? state.samplesCalm + 1 : 0;
		return samplesCalm < leaveSamples ? { status: "exceeded", samplesCalm, peak } : calm;
	}
	if (!isOver) return calm;
	const samplesOver = state.samplesOver + 1;
	return samplesOver < limit.enterSamples
		? { status: "within", samplesOver, peak }
		: { status: "exceeded", samplesCalm: 0, peak };
}

function changeOf(measure: LoadMeasure, before: State, after: State, { enterAt }: Limit): LoadChange[] {
	if (before.status === after.status) return [];
	const type = after.status === "exceeded" ? "exceeded" : "relieved";
	return [{ type, measure, peak: Math.max(before.peak, after.peak), limit: enterAt }];
}

/** The one place with words for a load limit: `/readyz`, the log and refused clients get them. */
function inWords(measure: LoadMeasure, peak: number, limit: number): string {
	switch (measure) {
		case "loopDelayMs":
			return `the event loop is up to ${Math.round(peak)} ms behind; the limit is ${limit} ms`;
		case "heapBytes":
			return `the JavaScript heap holds ${inMiB(peak)}; the limit is ${inMiB(limit)}`;
		case "memoryBytes":
			return `the process uses ${inMiB(peak)} of memory; the limit is ${inMiB(limit)}`;
		case "backlogBytes":
			return `${inMiB(peak)} of edits wait for the store; the limit for newcomers is ${inMiB(limit)}`;
		case "connections":
			return `this node serves its maximum of ${limit} connections`;
	}
}

function inMiB(bytes: number): string {
	return `${Math.round(bytes / 2 ** 20)} MiB`;
}
