import { type Doc, decodeUpdateV2, Skip } from "yjs";

/** Clocks of clients: which are in it. */
class Ranges {
	/** In order, apart from each other. */
	readonly #ranges = new Map<number, { readonly start: number; end: number }[]>();

	/** In the order of a client's clocks. */
	add(client: number, start: number, end: number): void {
		const ranges = this.#ranges.get(client);
		const last = ranges?.at(-1);
		if (ranges === undefined) this.#ranges.set(client, [{ start, end }]);
		else if (last !== undefined && last.end >= start) last.end = Math.max(last.end, end);
		else ranges.push({ start, end });
	}

	has(client: number, start: number, end: number): boolean {
		const ranges = this.#ranges.get(client) ?? [];
		let [low, high] = [0, ranges.length - 1];
		while (low <= high) {
			const middle = (low + high) >> 1;
			const range = ranges[middle];
			if (range === undefined || start < range.start) high = middle - 1;
			else if (start >= range.end) low = middle + 1;
			else return end <= range.end;
		}
		return false;
	}
}

/**
 * What Yjs holds back of a document already. Whoever opens the document is given it, and gives it back, as the document's state vector
 * has nothing of it.
 */
export class Waiting {
	readonly #structs = new Ranges();
	readonly #deletions = new Ranges();

	constructor({ store: { pendingStructs, pendingDs } }: Doc) {
		if (pendingStructs !== null)
			for (const struct of decodeUpdateV2(pendingStructs.update).structs)
				if (!(struct instanceof Skip))
					this.#structs.add(struct.id.client, struct.id.clock, struct.id.clock + struct.length);
		if (pendingDs === null) return;
		for (const [client, ranges] of decodeUpdateV2(pendingDs).ds.clients)
			for (const { clock, len } of ranges.toSorted((one, other) => one.clock - other.clock))
				this.#deletions.add(client, clock, clock + len);
	}

	hasStructs(client: number, start: number, end: number): boolean {
		return this.#structs.has(client, start, end);
	}

	hasDeletion(client: number, start: number, end: number): boolean {
		return this.#deletions.has(client, start, end);
	}
}
