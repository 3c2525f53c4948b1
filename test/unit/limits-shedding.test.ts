import { expect, test } from "vitest";
import { LoadLimits } from "../../server/load/load-limits.ts";
import { ShedPace } from "../../server/load/shed-pace.ts";

const bounds = {
	loopDelayMsMax: 1_000,
	heapBytesMax: 2 ** 30,
	memoryBytesMax: 2 ** 30,
	backlogBytesMax: 64 * 2 ** 20,
	connectionsMax: 100,
};
const calm = { loopDelayMs: 2, heapBytes: 0, memoryBytes: 0, backlogBytes: 0, connections: 5 };

test("[TRN4] while half of the room for edits that wait is taken, nobody new comes, so that nobody has to go", () => {
	const limits = new LoadLimits(bounds);
	const half = { ...calm, backlogBytes: 32 * 2 ** 20 };
	limits.take(half);
	limits.take(half);
	expect(limits.refusal(5)).toBeUndefined();
	limits.take(half);
	expect(limits.refusal(5)).toBe("32 MiB of edits wait for the store; the limit for newcomers is 32 MiB");
	for (let sample = 0; sample < 20; sample += 1) limits.take({ ...calm, backlogBytes: 17 * 2 ** 20 });
	expect(limits.refusal(5)).toBeDefined();
	for (let sample = 0; sample < 5; sample += 1) limits.take(calm);
	expect(limits.refusal(5)).toBeUndefined();
	expect(limits.problems).toEqual([]);
});

test("[TRN4] idle connections go only while memory stays short, in slices, and about a fifth of all in a minute", () => {
	const pace = new ShedPace();
	const closed = Array.from({ length: 75 }, () => pace.take(true, 10_000));
	expect(closed.slice(0, 14)).toEqual(new Array(14).fill(0));
	expect(closed[14]).toBe(200);
	expect(closed.slice(15, 19)).toEqual([0, 0, 0, 0]);
	expect(closed[19]).toBe(200);
	expect(closed.slice(15, 75).reduce((sum, count) => sum + count, 0)).toBe(2_400);
	expect(pace.take(false, 10_000)).toBe(0);
	expect(Array.from({ length: 14 }, () => pace.take(true, 10_000))).toEqual(new Array(14).fill(0));
	expect(pace.take(true, 3)).toBe(1);
});
