import { type SampleField, type SampleRow, sampleFields } from "../../server/admin/sample-fields.ts";

export type Column = readonly (number | null)[];
/** How several nodes' values of a second become one. */
export type Joining = "sum" | "max";

export const secondsShown = 300;
/** A node's last second counts for so long, until its next one comes; others are told every two. */
const carriedS = 6;

/** The last five minutes of all nodes, also of those that are gone meanwhile, a row for each second. */
export class History {
	readonly #nodes = new Map<string, Map<number, SampleRow>>();
	#lastS = 0;

	/** @param isHere Whether the page is this node's: its clock is the one that counts. */
	add(node: string, rows: readonly SampleRow[], isHere: boolean): void {
		const known = this.#nodes.get(node) ?? new Map<number, SampleRow>();
		this.#nodes.set(node, known);
		for (const row of rows) known.set(row[0] ?? 0, row);
		if (isHere) this.#lastS = Math.max(this.#lastS, ...known.keys());
		for (const [each, of] of this.#nodes) {
			for (const second of of.keys()) if (second <= this.#lastS - secondsShown - carriedS) of.delete(second);
			if (of.size === 0) this.#nodes.delete(each);
		}
	}

	get nodes(): readonly string[] {
		return [...this.#nodes.keys()];
	}

	/** Its last second, since 1970; 0 when there is none. */
	get lastS(): number {
		return this.#lastS;
	}

	/**
	 * @param only Of this node alone.
	 * @returns A value for each of the last {@link secondsShown} seconds, oldest first.
	 */
	column(field: SampleField, joining: Joining, only?: string): Column {
		const nodes = [...this.#nodes].filter(([node]) => only === undefined || node === only);
		const columns = nodes.map(([, rows]) => this.#columnOf(rows, sampleFields.indexOf(field)));
		return Array.from({ length: secondsShown }, (_, index) => {
			const values = columns.flatMap((column) => column[index] ?? []);
			if (values.length === 0) return null;
			return joining === "max" ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0);
		});
	}

	#columnOf(rows: ReadonlyMap<number, SampleRow>, at: number): Column {
		const newestS = Math.max(0, ...rows.keys());
		return Array.from({ length: secondsShown }, (_, index) => {
			const second = this.#lastS - secondsShown + 1 + index;
			// A timer that drifts skips one now and then.
			const row = rows.get(second) ?? rows.get(second - 1);
			if (row !== undefined) return row[at] ?? null;
			const isCarried = second > newestS && second - newestS <= carriedS;
			return isCarried ? (rows.get(newestS)?.[at] ?? null) : null;
		});
	}
}

export function lastOf(column: Column): number | null {
	return column.at(-1) ?? null;
}

export function highestOf(column: Column): number {
	return column.reduce<number>((highest, value) => Math.max(highest, value ?? 0), 0);
}
