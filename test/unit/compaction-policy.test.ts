import { expect, test } from "vitest";
import {
	defaultThresholds,
	isDueByIdleness,
	isDueBySize,
	onlyAdds,
} from "../../extensions/durability/compaction-policy.ts";

const picture = 64 * 1024;

/** A document of so many pictures, to which they are added, or in which each replaces the one before. */
function draw(pictures: number, deletes: boolean) {
	const size = { snapshotBytes: 0, logBytes: 0, logUpdates: 0, addedBytes: 0 };
	let mergedBytes = 0;
	for (let drawn = 0; drawn < pictures; drawn += 1) {
		size.logBytes += picture;
		size.logUpdates += 1;
		if (onlyAdds(picture, deletes)) size.addedBytes += picture;
		if (!isDueBySize(size, defaultThresholds)) continue;
		size.snapshotBytes = deletes ? picture : size.snapshotBytes + size.logBytes;
		mergedBytes += size.snapshotBytes;
		Object.assign(size, { logBytes: 0, logUpdates: 0, addedBytes: 0 });
	}
	return { ...size, mergedBytes };
}

test("pictures that are added are rewritten 1.25 times, and the first four megabytes not while somebody adds to them", () => {
	expect(draw(63, false).mergedBytes).toBe(0);
	for (const pictures of [64, 320])
		expect(draw(pictures, false).mergedBytes / (pictures * picture)).toBeLessThanOrEqual(1.25);
});

test("what was replaced does not stay in the log", () => {
	expect(draw(1_000, true).logBytes).toBeLessThan(defaultThresholds.busyBytesMin);
});

test("a document that is left alone is not rewritten for a picture, and for text of the same size it is", () => {
	const size = { snapshotBytes: 3 * picture, logBytes: picture, logUpdates: 1 };
	expect(isDueByIdleness({ ...size, addedBytes: picture }, defaultThresholds)).toBe(false);
	expect(isDueByIdleness({ ...size, addedBytes: 0 }, defaultThresholds)).toBe(true);
	expect(
		isDueByIdleness({ ...size, logBytes: 3 * picture, addedBytes: 3 * picture }, defaultThresholds),
	).toBe(true);
});
