/** Where a document's log ends, as the database has it. */
export interface Tail {
	readonly key: bigint;
	readonly nameChecksum: number;
	/** The last position in use; 0 when nothing was ever stored. */
	position: number;
	/** Size of the last row, for choosing the next one's; 0 without one. */
	chunkBytes: number;
	/** The row with room for more, if there is one. */
	chunk: { readonly rowId: number | bigint; readonly bytes: Uint8Array; usedBytes: number } | undefined;
}

/** At most this many documents' tails, each with a chunk of at most 4 KiB. */
const tailsMax = 4096;

/** The tails of the documents that were written last. */
export class TailCache {
	/** In the order of use, the least recent one first. */
	readonly #tails = new Map<string, Tail>();

	get(documentName: string): Tail | undefined {
		return this.#tails.get(documentName);
	}

	set(documentName: string, tail: Tail): void {
		this.#tails.delete(documentName);
		this.#tails.set(documentName, tail);
		if (this.#tails.size <= tailsMax) return;
		for (const oldest of this.#tails.keys()) {
			this.#tails.delete(oldest);
			return;
		}
	}

	forget(documentName: string): void {
		this.#tails.delete(documentName);
	}
}
