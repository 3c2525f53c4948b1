import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CollectionPace } from "../../server/load/collection-pace.ts";
import { oldGenerationLimit } from "../../server/load/heap-limit.ts";
import {
	type LoadBounds,
	type LoadChange,
	LoadLimits,
	type LoadSample,
	leaveSamples,
} from "../../server/load/load-limits.ts";
import { LoopDelay, samplePeriodMs } from "../../server/load/loop-delay.ts";
import { memoryLimit } from "../../server/load/memory-limit.ts";
import { retryAfterSeconds } from "../../server/load/retry-after.ts";

const bounds: LoadBounds = {
	loopDelayMsMax: 1_000,
	heapBytesMax: 1_000 * 2 ** 20,
	memoryBytesMax: 2_000 * 2 ** 20,
	backlogBytesMax: 64 * 2 ** 20,
	connectionsMax: 100,
};
const calm: LoadSample = {
	loopDelayMs: 2,
	heapBytes: 2 ** 20,
	memoryBytes: 2 ** 26,
	backlogBytes: 9,
	connections: 5,
};

/** Feeds samples that differ from a calm one as said. @returns The kinds of changes, in order. */
function feed(limits: LoadLimits, samples: readonly Partial<LoadSample>[]): LoadChange["type"][] {
	return samples.flatMap((sample) => limits.take({ ...calm, ...sample }).map(({ type }) => type));
}

const late = { loopDelayMs: 1_500 };

function times<T>(count: number, item: T): T[] {
	return Array.from({ length: count }, () => item);
}

describe("[TRN4] a limit", () => {
	test("is exceeded after three samples in a row, not by one pause, however long", () => {
		const limits = new LoadLimits(bounds);
		expect(feed(limits, [late, {}, { loopDelayMs: 60_000 }, late, {}, late])).toEqual([]);
		expect(limits.problems).toEqual([]);
		expect(feed(limits, [late, { loopDelayMs: 2_345.6 }])).toEqual(["exceeded"]);
		expect(limits.problems).toEqual(["the event loop is up to 2346 ms behind; the limit is 1000 ms"]);
		expect(limits.refusal(5)).toBe(limits.problems[0]);
	});

	test("is over after five calm samples in a row: clearly below, not just below", () => {
		const limits = new LoadLimits(bounds);
		feed(limits, times(3, late));
		expect(feed(limits, times(20, { loopDelayMs: 600 }))).toEqual([]);
		expect(feed(limits, [...times(4, {}), { loopDelayMs: 600 }, ...times(4, {})])).toEqual([]);
		expect(limits.refusal(5)).toBeDefined();
		expect(feed(limits, [{}])).toEqual(["relieved"]);
		expect(limits.refusal(5)).toBeUndefined();
	});

	test("on the heap is reached before V8 ends the process, and one on memory where it was set", () => {
		const limits = new LoadLimits(bounds);
		feed(limits, times(3, { heapBytes: 899 * 2 ** 20, memoryBytes: 1_999 * 2 ** 20 }));
		expect(limits.problems).toEqual([]);
		feed(limits, times(3, { heapBytes: 900 * 2 ** 20, memoryBytes: 2_000 * 2 ** 20 }));
		expect(limits.problems).toEqual([
			"the JavaScript heap holds 900 MiB; the limit is 900 MiB",
			"the process uses 2000 MiB of memory; the limit is 2000 MiB",
		]);
	});

	test("on connections is exact for whoever comes, and lasts for whoever asks where to go", () => {
		const limits = new LoadLimits(bounds);
		expect(limits.refusal(99)).toBeUndefined();
		expect(limits.refusal(100)).toBe("this node serves its maximum of 100 connections");
		expect(feed(limits, [{ connections: 100 }])).toEqual(["exceeded"]);
		feed(limits, times(9, { connections: 95 }));
		expect(limits.problems).toEqual(["this node serves its maximum of 100 connections"]);
		expect(limits.refusal(99)).toBeUndefined();
		feed(limits, times(5, { connections: 94 }));
		expect(limits.problems).toEqual([]);
	});

	test("ends at once when nobody is served", () => {
		const limits = new LoadLimits(bounds);
		feed(limits, times(3, { ...late, memoryBytes: 2 ** 40 }));
		expect(limits.rest()).toEqual([
			{ type: "relieved", measure: "loopDelayMs", peak: 1_500, limit: 1_000 },
			{ type: "relieved", measure: "memoryBytes", peak: 2 ** 40, limit: bounds.memoryBytesMax },
		]);
		expect(limits.problems).toEqual([]);
		expect(limits.rest()).toEqual([]);
	});

	test("whatever the samples: begins and ends alternate, with figures, never closer than the samples it takes", () => {
		const samples = fc.array(fc.record({ loopDelayMs: fc.constantFrom(0, 499, 500, 999, 1_000, 9_000) }), {
			maxLength: 200,
		});
		fc.assert(
			fc.property(samples, (given) => {
				const limits = new LoadLimits(bounds);
				let isExceeded = false;
				let sinceMs = 0;
				for (const sample of given) {
					sinceMs += 1;
					for (const { type, peak } of limits.take({ ...calm, ...sample })) {
						expect(type).toBe(isExceeded ? "relieved" : "exceeded");
						expect(peak).toBeGreaterThanOrEqual(1_000);
						expect(sinceMs).toBeGreaterThanOrEqual(isExceeded ? leaveSamples : 3);
						isExceeded = !isExceeded;
						sinceMs = 0;
					}
					expect(limits.problems.length).toBe(isExceeded ? 1 : 0);
				}
			}),
		);
	});
});

/** Runs a loop that is blocked for the given times, in ms, each after a pause, and probes it as a timer would. */
function observe(limitMs: number, blocks: readonly { readonly pauseMs: number; readonly blockMs: number }[]) {
	let probes = 0;
	let nowMs = 0;
	let busyMs = 0;
	const delays: number[] = [];
	const delay = new LoopDelay(limitMs, nowMs, busyMs);
	let dueMs = samplePeriodMs;
	const fire = () => {
		probes += 1;
		const { nextInMs, loopDelayMs } = delay.probe(nowMs, busyMs);
		dueMs = nowMs + nextInMs;
		if (loopDelayMs !== undefined) delays.push(loopDelayMs);
	};
	for (const { pauseMs, blockMs } of blocks) {
		const untilMs = nowMs + pauseMs;
		while (dueMs <= untilMs) {
			nowMs = Math.max(nowMs, dueMs);
			fire();
		}
		nowMs = untilMs + blockMs;
		busyMs += blockMs;
		if (dueMs <= nowMs) fire();
	}
	return { delays, probes, nowMs };
}

describe("[TRN4] the delay of the event loop", () => {
	test("costs one look a second while the loop is idle", () => {
		const { delays, probes } = observe(1_000, [{ pauseMs: 60_000, blockMs: 0 }]);
		expect(probes).toBe(60);
		expect(Math.max(...delays)).toBe(0);
	});

	test("of short turns is never more than a turn, however busy the loop", () => {
		const { delays } = observe(100, times(2_000, { pauseMs: 0, blockMs: 30 }));
		expect(Math.max(...delays)).toBeLessThanOrEqual(30);
	});

	test("is found in every period, whatever the rhythm of long turns", () => {
		const rhythm = fc.record({
			pauseMs: fc.integer({ min: 0, max: 100 }),
			blockMs: fc.integer({ min: 300, max: 1_500 }),
		});
		fc.assert(
			fc.property(rhythm, (block) => {
				const { delays } = observe(200, times(60, block));
				// Until the first look has told that a closer one is worth it.
				for (const delayMs of delays.slice(2)) {
					expect(delayMs).toBeGreaterThanOrEqual(200);
					expect(delayMs).toBeLessThanOrEqual(block.blockMs);
				}
			}),
		);
	});

	test("is that of one sample for one pause, also when the whole process was stopped", () => {
		const { delays } = observe(1_000, [
			{ pauseMs: 5_500, blockMs: 60_000 },
			{ pauseMs: 5_500, blockMs: 0 },
		]);
		expect(delays.filter((delayMs) => delayMs > 0)).toEqual([59_500]);
	});
});

describe("[TRN4] the memory limit", () => {
	const GiB = 2 ** 30;
	test.for([
		["what was configured", 5, { constrainedBytes: GiB, totalBytes: 2 * GiB }, 5],
		["a share of the container's", 0, { constrainedBytes: GiB, totalBytes: 8 * GiB }, 0.85 * GiB],
		["a share of the machine's", 0, { constrainedBytes: 2 ** 64, totalBytes: 8 * GiB }, 0.85 * 8 * GiB],
		["the same where containers are unknown", 0, { constrainedBytes: 0, totalBytes: GiB }, 0.85 * GiB],
		["or the system does not say", 0, { constrainedBytes: undefined, totalBytes: GiB }, 0.85 * GiB],
	] as const)("is %s", ([, configured, system, expected]) => {
		expect(memoryLimit(configured, system)).toBe(Math.floor(expected));
	});
});

describe("[TRN4] the limit of the old generation", () => {
	const MiB = 2 ** 20;
	test.for([
		["without a flag", "", 4192, 4096],
		["in a small container", "", 262, 256],
		["as a flag says", "--max-old-space-size=256", 352, 256],
		["as the last flag says", "--max_old_space_size=64 --inspect --max-old-space-size 256", 352, 256],
		["beside a larger young generation", "--max-semi-space-size=128", 4480, 4096],
		["with both flags", "--max-semi-space-size=4 --max-old-space-size=256", 268, 256],
		["as a share of the machine's memory", "--max-old-space-size-percentage=5", 1301, 1205],
	] as const)("%s is found: %s", ([, flags, heapSizeLimitMiB, expectedMiB]) => {
		expect(Math.round(oldGenerationLimit(flags, heapSizeLimitMiB * MiB) / MiB)).toBe(expectedMiB);
	});
});

describe("[TRN4] garbage that keeps a process past its limit", () => {
	/** Takes samples of a heap that nobody collects. @returns The numbers of those after which to collect. */
	const collections = (pace: CollectionPace, isExceeded: boolean, samples: number) =>
		times(samples, 100)
			.map((bytes, index) => ({ collect: pace.take(bytes, isExceeded), sample: index + 1 }))
			.flatMap(({ collect, sample }) => (collect ? [sample] : []));

	test("is collected after ten seconds, then at ever longer intervals, and anew when the limit is met again", () => {
		const pace = new CollectionPace();
		expect(collections(pace, false, 100)).toEqual([]);
		expect(collections(pace, true, 100)).toEqual([10, 30, 70]);
		expect(collections(pace, false, 1)).toEqual([]);
		expect(collections(pace, true, 20)).toEqual([10]);
		const intervals = collections(pace, true, 100_000).map(
			(sample, index, all) => sample - (all[index - 1] ?? 0),
		);
		expect(Math.max(...intervals)).toBe(1_000);
	});

	test("is V8's to collect while it does", () => {
		const pace = new CollectionPace();
		const sawTooth = Array.from({ length: 1_000 }, (_, index) => 100 + (index % 9));
		expect(sawTooth.filter((bytes) => pace.take(bytes, true))).toEqual([]);
	});
});

test("[TRN4] a refused crowd is told different times, from 5 to 15 s", () => {
	fc.assert(
		fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
			const seconds = retryAfterSeconds(random);
			expect(Number.isInteger(seconds) && seconds >= 5 && seconds <= 15).toBe(true);
		}),
	);
	expect([0, 0.5, 0.999].map(retryAfterSeconds)).toEqual([5, 10, 15]);
});
