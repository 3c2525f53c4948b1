import { expect, test } from "vitest";
import { FlushPace } from "../../extensions/sync/flush-pace.ts";

/** Flushes as soon as they are due, each with so many changes. @returns The intervals between them, in ms. */
function intervals(pace: FlushPace, changes: number, receivers: number, tookMs = 0): number[] {
	let nowMs = 1_000;
	return Array.from({ length: 12 }, () => {
		const waitMs = Math.max(0, pace.waitMs(nowMs));
		nowMs += waitMs;
		pace.flushed(nowMs, tookMs, changes, receivers);
		return waitMs;
	});
}

test("the first edit after quiet does not wait, whatever went before", () => {
	const pace = new FlushPace(80);
	expect(pace.waitMs(0)).toBeLessThanOrEqual(0);
	intervals(pace, 50, 1_000);
	expect(pace.waitMs(1_000_000)).toBeLessThanOrEqual(0);
});

test("edits that come one at a time never wait, with however many people", () => {
	expect(intervals(new FlushPace(80), 1, 10_000).every((waitMs) => waitMs === 0)).toBe(true);
});

test("the more receivers, the longer edits that come together wait for each other, up to a limit", () => {
	const longest = [1, 10, 100, 1_000, 100_000].map((receivers) =>
		Math.max(...intervals(new FlushPace(80), 10, receivers)),
	);
	expect(longest).toEqual([2, 7, 25, 79, 80]);
});

test("it is quick again as soon as edits come one at a time", () => {
	const pace = new FlushPace(80);
	intervals(pace, 10, 1_000);
	const slowing = intervals(pace, 1, 1_000);
	expect(slowing[0]).toBeGreaterThan(0);
	expect(slowing.at(-1)).toBe(0);
	expect(slowing).toEqual(slowing.toSorted((one, other) => other - one));
});

test("without an interval nothing waits", () => {
	expect(intervals(new FlushPace(0), 100, 1_000, 50)).toEqual(new Array(12).fill(0));
});

test("sending takes no more than half of the time", () => {
	const waits = intervals(new FlushPace(80), 100, 1_000, 60);
	expect(waits.at(-1)).toBe(120);
});

test("a machine that was asleep while it sent does not make its people wait for as long again", () => {
	const pace = new FlushPace(80);
	pace.flushed(0, 60_000, 2, 3);
	expect(pace.waitMs(0)).toBeLessThanOrEqual(500);
});
