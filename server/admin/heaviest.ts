import type { DocumentRow, DocumentSort } from "./facts.ts";

/** @returns At most `limit` of them, heaviest first. */
export function heaviest<T>(all: readonly T[], limit: number, weight: (one: T) => number): T[] {
	const weighed = all.map((one) => ({ one, weight: weight(one) }));
	return foremost(weighed, limit, (one, other) => other.weight - one.weight).map(({ one }) => one);
}

/** Of thousands, a few dozen are wanted every two seconds: the others need not be in order. Equal ones stay as they come. */
function foremost<T>(all: readonly T[], limit: number, compare: (one: T, other: T) => number): T[] {
	const chosen: T[] = [];
	for (const one of all) {
		const last = chosen.at(-1);
		if (chosen.length >= limit && last !== undefined && compare(one, last) >= 0) continue;
		let from = 0;
		let to = chosen.length;
		while (from < to) {
			const middle = (from + to) >>> 1;
			const other = chosen[middle];
			if (other !== undefined && compare(one, other) < 0) to = middle;
			else from = middle + 1;
		}
		chosen.splice(from, 0, one);
		if (chosen.length > limit) chosen.pop();
	}
	return chosen;
}

/** What decides between two documents; what is left is decided by their names, so that rows don't dance. */
const orders: Readonly<Record<DocumentSort, (one: DocumentRow, other: DocumentRow) => number>> = {
	people: (one, other) => other.people - one.people,
	edits: (one, other) => other.editsPerS - one.editsPerS || other.edits - one.edits,
	size: (one, other) => other.storedBytes - one.storedBytes,
	name: () => 0,
};

/** @returns At most `limit` of the rows, first those that the order puts first. */
export function first<Row extends DocumentRow>(
	rows: readonly Row[],
	sort: DocumentSort,
	limit: number,
): Row[] {
	const order = orders[sort];
	return foremost(rows, limit, (one, other) => order(one, other) || (one.name < other.name ? -1 : 1));
}
