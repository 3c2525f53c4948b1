import { expect, test } from "vitest";
import { LinePace } from "../../extensions/metrics/line-pace.ts";

test("fifty lines in a row, then five a second, and the next one says how many were omitted", () => {
	const pace = new LinePace(0);
	const first = Array.from({ length: 60 }, () => pace.take(0));
	expect(first.filter((omitted) => omitted === 0)).toHaveLength(50);
	expect(first.filter((omitted) => omitted === undefined)).toHaveLength(10);
	expect(pace.take(100)).toBeUndefined();
	expect(pace.take(200)).toBe(11);
	expect(pace.take(200)).toBeUndefined();
	const later = Array.from({ length: 60 }, () => pace.take(1_000_000));
	expect(later.filter((omitted) => omitted !== undefined)).toHaveLength(50);
	expect(later[0]).toBe(1);
});
