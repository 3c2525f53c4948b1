import { describe, expect, test } from "vitest";
import { Departures } from "../../admin-page/src/departures.ts";
import { EventStreamReader } from "../../admin-page/src/event-stream.ts";
import { ago, bytes, compact, milliseconds, percent, span } from "../../admin-page/src/format.ts";
import { History, secondsShown } from "../../admin-page/src/history.ts";
import { linear, logarithmic, roundUp, roundUpBytes, runsOf } from "../../admin-page/src/scale.ts";
import type { NodeOverview, NodeView } from "../../server/admin/facts.ts";
import { type SampleField, sampleFields } from "../../server/admin/sample-fields.ts";

function second(atS: number, values: Partial<Record<SampleField, number | null>>) {
	return sampleFields.map((field) =>
		field === "atS" ? atS : values[field] === undefined ? 0 : values[field],
	);
}

describe("the last five minutes", () => {
	test("counts are added up over nodes, and of latencies the worst counts", () => {
		const history = new History();
		history.add("here", [second(1_000, { editsPerS: 2, savedP99Ms: 5 })], true);
		history.add("there", [second(1_000, { editsPerS: 3, savedP99Ms: 50 })], false);
		expect(history.column("editsPerS", "sum").at(-1)).toBe(5);
		expect(history.column("savedP99Ms", "max").at(-1)).toBe(50);
		expect(history.column("editsPerS", "sum", "there").at(-1)).toBe(3);
		expect(history.column("editsPerS", "sum")).toHaveLength(secondsShown);
	});

	test("a node that is told of later counts with its last second until then, and not for ever", () => {
		const history = new History();
		history.add("there", [second(1_000, { connections: 7 })], false);
		for (let atS = 1_000; atS <= 1_002; atS += 1)
			history.add("here", [second(atS, { connections: 1 })], true);
		expect(history.column("connections", "sum").slice(-3)).toEqual([8, 8, 8]);
		for (let atS = 1_003; atS <= 1_020; atS += 1)
			history.add("here", [second(atS, { connections: 1 })], true);
		expect(history.column("connections", "sum").at(-1)).toBe(1);
	});

	test("a second that a drifting timer skips is no hole, and nothing measured is nothing shown", () => {
		const history = new History();
		history.add("here", [second(10, { editsPerS: 4 }), second(12, { editsPerS: 6 })], true);
		expect(history.column("editsPerS", "sum").slice(-3)).toEqual([4, 4, 6]);
		history.add("here", [second(13, { savedP50Ms: null })], true);
		expect(history.column("savedP50Ms", "max").at(-1)).toBeNull();
	});

	test("what a node did that is gone stays in the past, and is let go of with it", () => {
		const history = new History();
		for (let atS = 1_000; atS <= 1_010; atS += 1) {
			history.add("here", [second(atS, { editsPerS: 1 })], true);
			history.add("there", [second(atS, { editsPerS: 7 })], false);
		}
		for (let atS = 1_011; atS <= 1_100; atS += 1) history.add("here", [second(atS, { editsPerS: 1 })], true);
		const column = history.column("editsPerS", "sum");
		expect([column.at(-91), column.at(-1)]).toEqual([8, 1]);
		expect(history.nodes).toEqual(["here", "there"]);
		for (let atS = 1_101; atS <= 1_400; atS += 1) history.add("here", [second(atS, { editsPerS: 1 })], true);
		expect(history.nodes).toEqual(["here"]);
	});

	test("old seconds are let go of", () => {
		const history = new History();
		for (let atS = 1; atS <= 2_000; atS += 1) history.add("here", [second(atS, { editsPerS: atS })], true);
		expect(history.column("editsPerS", "sum")[0]).toBe(2_000 - secondsShown + 1);
		expect(history.lastS).toBe(2_000);
	});
});

test("nodes that are gone are told of for five minutes, or until they are back", () => {
	const departures = new Departures();
	const view = (id: string, isSilent = false): NodeView => {
		const overview = { id, host: "host", processId: 1 } as NodeOverview;
		return { id, isHere: false, samples: [], overview: isSilent ? null : overview };
	};
	const gone = (ids: readonly string[], nowMs: number) =>
		departures
			.take(
				ids.map((id) => view(id)),
				nowMs,
			)
			.map(({ overview, atMs }) => [overview.id, atMs]);
	expect(gone(["a", "b"], 0)).toEqual([]);
	// One that says nothing of itself any more is still heard.
	expect(departures.take([view("a"), view("b", true), view("c", true)], 500)).toEqual([]);
	expect(gone(["a"], 1_000)).toEqual([["b", 1_000]]);
	expect(gone(["a"], 200_000)).toEqual([["b", 1_000]]);
	expect(gone(["a"], 302_000)).toEqual([]);
	gone(["a", "d"], 303_000);
	expect(gone(["a"], 304_000)).toEqual([["d", 304_000]]);
	expect(gone(["a", "d"], 305_000)).toEqual([]);
});

test("scales end at round numbers", () => {
	expect([0, 0.3, 1, 1.1, 2.4, 2.6, 99, 101].map(roundUp)).toEqual([1, 0.5, 1, 2, 2.5, 5, 100, 200]);
	expect(roundUpBytes(3 * 1024 * 1024)).toBe(5 * 1024 * 1024);
	expect(linear(10).share(5)).toBe(0.5);
	expect(logarithmic(0).lines).toEqual([1, 10, 100]);
	expect(logarithmic(2_000).lines.map(Math.round)).toEqual([1, 10, 100, 1_000, 10_000]);
	expect(logarithmic(100).share(0)).toBe(0);
	expect(logarithmic(100).share(100)).toBeCloseTo(1);
});

test("lines bridge short pauses only", () => {
	expect(runsOf([null, 1, null, 2, null, null, null, null, 3])).toEqual([[1, 3], [8]]);
	expect(runsOf([null, null])).toEqual([]);
});

test("numbers are written for people", () => {
	expect([0, 0.04, 0.4, 9.94, 12.4, 999.6, 1_234, 9_996, 15_000, 3_400_000].map(compact)).toEqual([
		"0",
		"0.04",
		"0.4",
		"9.9",
		"12",
		"1000",
		"1,234",
		"10k",
		"15k",
		"3.4M",
	]);
	expect([0, 512, 1_023, 1_536, 5 * 2 ** 30].map(bytes)).toEqual([
		"0 B",
		"512 B",
		"1 KiB",
		"1.5 KiB",
		"5 GiB",
	]);
	expect([0.25, 12.3, 1_500].map(milliseconds)).toEqual(["0.3 ms", "12 ms", "1.5 s"]);
	expect(percent(0.126)).toBe("13 %");
	expect([900, 59_000, 61_000, 7_300_000, 86_400_000 * 3].map(span)).toEqual([
		"1 s",
		"59 s",
		"1 min",
		"2 h",
		"3 d",
	]);
	expect(ago(null, 0)).toBe("–");
	expect(ago(1_000, 2_000)).toBe("now");
	expect(ago(1_000, 11_000)).toBe("10 s ago");
});

test("events are put together however the network cuts them", () => {
	const text = 'data: {"a":1}\n\ndata: second\n\n: a comment\n\ndata: third';
	for (const size of [1, 3, 7, 100]) {
		const reader = new EventStreamReader();
		const events: string[] = [];
		for (let from = 0; from < text.length; from += size)
			events.push(...reader.take(text.slice(from, from + size)));
		expect(events).toEqual(['{"a":1}', "second"]);
	}
});
