import fc from "fast-check";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { defaultBoundsMs, Histogram } from "../../extensions/metrics/histogram.ts";
import { registrySink } from "../../extensions/metrics/registry-sink.ts";
import { Tally } from "../../extensions/metrics/tally.ts";
import { readMetrics } from "../support/metrics-text.ts";

test("a histogram counts what is at a bound below it, and what is beyond all bounds", () => {
	const histogram = new Histogram([1, 10]);
	for (const durationMs of [0, 1, 1.5, 10, 11]) histogram.observe(durationMs);
	histogram.observe(5, 3);
	expect(histogram.counts).toEqual([2, 5, 1]);
	expect(histogram.count).toBe(8);
	expect(histogram.sumMs).toBe(38.5);
});

test("whatever is observed is in the first bucket whose bound it does not pass, and in the sum", () => {
	fc.assert(
		fc.property(fc.array(fc.tuple(fc.double({ min: 0, max: 20_000, noNaN: true }), fc.nat(5))), (all) => {
			const histogram = new Histogram();
			for (const [durationMs, count] of all) histogram.observe(durationMs, count);
			const expected = [...defaultBoundsMs, Number.POSITIVE_INFINITY].map((boundMs, index) => {
				const belowMs = defaultBoundsMs[index - 1] ?? Number.NEGATIVE_INFINITY;
				return all.reduce(
					(sum, [durationMs, count]) => sum + (durationMs > belowMs && durationMs <= boundMs ? count : 0),
					0,
				);
			});
			expect(histogram.counts).toEqual(expected);
			expect(histogram.sumMs).toBeCloseTo(
				all.reduce((sum, [ms, count]) => sum + ms * count, 0),
				3,
			);
		}),
	);
});

const fail = (_metric: string, error: unknown) => {
	throw error;
};

test("Prometheus gets seconds, buckets that hold the smaller ones, and labels", async () => {
	const registry = new Registry();
	const sink = registrySink(registry, fail);
	const histogram = new Histogram([1, 1_000]);
	const tally = new Tally("type", "detail");
	sink.histogram("some_seconds", "Some time", () => histogram);
	sink.tally("some_total", "Some things", () => tally);
	sink.gauge("some_bytes", "Later", async () => 7);
	sink.counter("unknown_total", "Not known now", () => undefined);
	histogram.observe(500);
	histogram.observe(1, 2);
	histogram.observe(5_000);
	tally.add("refused", 'a "word"');
	tally.add("refused", 'a "word"');
	tally.add("granted", "write");
	const { value, types, text } = readMetrics(await registry.metrics());
	expect(value('some_seconds_bucket{le="0.001"}')).toBe(2);
	expect(value('some_seconds_bucket{le="1"}')).toBe(3);
	expect(value('some_seconds_bucket{le="+Inf"}')).toBe(4);
	expect(value("some_seconds_count")).toBe(4);
	expect(value("some_seconds_sum")).toBe(5.502);
	expect(value('some_total{type="granted",detail="write"}')).toBe(1);
	expect(text).toContain('some_total{type="refused",detail="a \\"word\\""} 2');
	expect(value("some_bytes")).toBe(7);
	expect(types.get("unknown_total")).toBe("counter");
	expect(text).not.toMatch(/^unknown_total/m);
});

test("a name that is declared twice is refused", () => {
	const sink = registrySink(new Registry(), fail);
	sink.gauge("some_bytes", "Once", () => 1);
	expect(() => sink.gauge("some_bytes", "Twice", () => 2)).toThrow("already been registered");
});
