import type { DocumentRow, DocumentSort } from "./facts.ts";

/** @returns At most `limit` of them, heaviest first. */
export function heaviest<T>(all: readonly T[], limit: number, weight: (one: T) => number): T[] {
	return all.toSorted((one, other) => weight(other) - weight(one)).slice(0, limit);
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
	return rows.toSorted((one, other) => order(one, other) || (one.name < other.name ? -1 : 1)).slice(0, limit);
}
