interface Look {
	readonly edits: number;
	readonly atMs: number;
	readonly perS: number;
}

/** Two looks that are closer together tell too little. */
const spanMsMin = 900;
/** After a longer time without a look, the mean says nothing of now. */
const spanMsMax = 30_000;

/** How fast counters grow, from one look to the next. It remembers an object's last look for as long as there is the object. Pure. */
export class EditRates {
	readonly #looks = new WeakMap<object, Look>();

	/** @returns Edits per second, as of the last two looks that were far enough apart; 0 at first. */
	rate(counted: object, edits: number, nowMs: number): number {
		const last = this.#looks.get(counted);
		const spanMs = nowMs - (last?.atMs ?? Number.NEGATIVE_INFINITY);
		if (last !== undefined && spanMs < spanMsMin) return last.perS;
		const isTelling = last !== undefined && spanMs <= spanMsMax;
		const perS = isTelling ? Math.max(0, ((edits - last.edits) * 1_000) / spanMs) : 0;
		this.#looks.set(counted, { edits, atMs: nowMs, perS });
		return perS;
	}
}
