import { type Sample, type SampleRow, sampleFields } from "./sample-fields.ts";

/** The last seconds of a node, oldest first. */
export class SampleRing {
	readonly #rows: SampleRow[] = [];
	readonly #secondsMax: number;

	constructor(secondsMax: number) {
		this.#secondsMax = secondsMax;
	}

	/** Takes what is newer than what it has; anything else it knows already. */
	add(row: SampleRow): void {
		if (secondOf(row) <= this.lastS) return;
		this.#rows.push(row);
		if (this.#rows.length > this.#secondsMax) this.#rows.shift();
	}

	/** `0` when there is none. */
	get lastS(): number {
		const last = this.#rows.at(-1);
		return last === undefined ? 0 : secondOf(last);
	}

	/** Those after this second. */
	after(atS: number): readonly SampleRow[] {
		return this.#rows.filter((row) => secondOf(row) > atS);
	}
}

export function toRow(sample: Sample): SampleRow {
	return sampleFields.map((field) => rounded(sample[field]));
}

function secondOf(row: SampleRow): number {
	return row[0] ?? 0;
}

/** Three digits behind the point are as exact as any of it is. */
function rounded(value: number | null): number | null {
	return value === null ? null : Math.round(value * 1_000) / 1_000;
}
