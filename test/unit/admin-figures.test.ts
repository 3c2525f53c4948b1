import { expect, test } from "vitest";
import { EditRates } from "../../server/admin/edit-rates.ts";
import type { DocumentRow } from "../../server/admin/facts.ts";
import { heaviest } from "../../server/admin/heaviest.ts";
import { LatencyWindow, quantileOf } from "../../server/admin/latency-window.ts";
import { mergeLists } from "../../server/admin/merge-lists.ts";
import { readAdminMessage } from "../../server/admin/questions.ts";
import { RecentAnswers } from "../../server/admin/recent-answers.ts";
import { sampleFields } from "../../server/admin/sample-fields.ts";
import { SampleRing } from "../../server/admin/sample-ring.ts";
import { Random } from "../support/random.ts";

const boundsMs = [1, 10, 100];

test("quantiles lie where the counts say, and there are none of nothing", () => {
	expect(quantileOf(boundsMs, [0, 0, 0, 0], 0.5)).toBeNull();
	expect(quantileOf(boundsMs, [4, 0, 0, 0], 0.5)).toBe(0.5);
	expect(quantileOf(boundsMs, [99, 1, 0, 0], 0.99)).toBe(1);
	expect(quantileOf(boundsMs, [50, 0, 50, 0], 0.99)).toBeCloseTo(98.2);
	// Beyond the last bound nobody knows how far.
	expect(quantileOf(boundsMs, [0, 0, 0, 3], 0.5)).toBe(100);
});

test("a window tells of what came since the last look, and of nothing when the counts begin anew", () => {
	const window = new LatencyWindow();
	expect(window.take({ boundsMs, counts: [10, 0, 0, 0] }, [0.5])).toEqual([0.5]);
	expect(window.take({ boundsMs, counts: [10, 0, 2, 0] }, [0.5])).toEqual([55]);
	expect(window.take({ boundsMs, counts: [10, 0, 2, 0] }, [0.5, 0.99])).toEqual([null, null]);
	expect(window.take({ boundsMs, counts: [0, 0, 0, 0] }, [0.5])).toEqual([null]);
});

test("rates come from two looks that are neither too close nor too far apart", () => {
	const rates = new EditRates();
	const document = {};
	expect(rates.rate(document, 100, 0)).toBe(0);
	// Several pages look at the same time.
	expect(rates.rate(document, 101, 100)).toBe(0);
	expect(rates.rate(document, 120, 2_000)).toBe(10);
	expect(rates.rate(document, 190, 2_500)).toBe(10);
	expect(rates.rate(document, 500, 60_000)).toBe(0);
	expect(rates.rate({}, 500, 60_000)).toBe(0);
});

function row(name: string, people: number, more: Partial<DocumentRow> = {}): DocumentRow {
	return { name, people, edits: 1, editsPerS: 0.5, storedBytes: 10, lastEditMs: null, ...more };
}

test("documents that several nodes have are one row, in one order", () => {
	const query = { search: "", sort: "people", limit: 2 } as const;
	const merged = mergeLists(
		[
			{ node: "one", answer: { matching: 3, rows: [row("b", 3), row("a", 2, { lastEditMs: 5 })] } },
			{
				node: "two",
				answer: { matching: 2, rows: [row("a", 2, { lastEditMs: 9, storedBytes: 12 }), row("c", 1)] },
			},
		],
		query,
	);
	// One of "one" is not named: it may be c.
	expect(merged).toMatchObject({ matching: 4, matchingMin: 3 });
	const cut = mergeLists(
		[
			{ node: "one", answer: { matching: 10, rows: [row("a", 2)] } },
			{ node: "two", answer: { matching: 9, rows: [row("a", 1)] } },
		],
		query,
	);
	expect(cut).toMatchObject({ matching: 18, matchingMin: 10 });
	expect(merged.rows).toEqual([
		{ name: "a", people: 4, edits: 2, editsPerS: 1, storedBytes: 12, lastEditMs: 9, nodes: ["one", "two"] },
		{ ...row("b", 3), nodes: ["one"] },
	]);
});

test("the first of many are those that sorting all of them would put first", () => {
	const random = new Random(7);
	for (const limit of [1, 3, 50, 200]) {
		const all = Array.from({ length: 150 }, (_, at) => ({ at, weight: random.below(20) }));
		const sorted = all.toSorted((one, other) => other.weight - one.weight).slice(0, limit);
		expect(heaviest(all, limit, ({ weight }) => weight)).toEqual(sorted);
	}
	expect(heaviest([], 5, () => 0)).toEqual([]);
});

test("many who ask the same within a second cost one look, and what was done is seen at once", () => {
	const recent = new RecentAnswers();
	let looks = 0;
	const look = () => {
		looks += 1;
		return looks;
	};
	expect([0, 500, 999].map((nowMs) => recent.give("a", nowMs, look))).toEqual([1, 1, 1]);
	expect(recent.give("b", 999, look)).toBe(2);
	expect(recent.give("a", 1_000, look)).toBe(3);
	recent.forget();
	expect(recent.give("a", 1_001, look)).toBe(4);
	// Only so many are kept.
	for (let n = 0; n < 20; n += 1) recent.give(`${n}`, 1_001, look);
	const before = looks;
	recent.give("a", 1_002, look);
	expect(looks).toBe(before + 1);
});

test("a ring keeps the last seconds, each once", () => {
	const ring = new SampleRing(3);
	const second = (atS: number) => sampleFields.map((field) => (field === "atS" ? atS : 0));
	for (const atS of [1, 2, 2, 3, 4, 3]) ring.add(second(atS));
	expect(ring.after(0).map(([atS]) => atS)).toEqual([2, 3, 4]);
	expect(ring.after(3).map(([atS]) => atS)).toEqual([4]);
	expect(ring.lastS).toBe(4);
});

test("what other nodes say is read with care", () => {
	const asked = { type: "asked", id: "1", from: "a", question: { type: "drain" } };
	expect(readAdminMessage(JSON.stringify(asked))).toEqual(asked);
	for (const message of [
		{ ...asked, question: { type: "format-disk" } },
		{ ...asked, question: { type: "slow-readers", limit: 1e9 } },
		{ ...asked, id: "x".repeat(1_000) },
		{ type: "answered", id: "1", from: "a" },
		null,
	])
		expect(readAdminMessage(JSON.stringify(message))).toBeUndefined();
	expect(readAdminMessage("{")).toBeUndefined();
});
