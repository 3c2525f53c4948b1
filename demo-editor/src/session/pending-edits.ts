import { readStored, writeStored } from "../local-storage.ts";

/**
 * Counts the edits made here that the server has not acknowledged, across visits: the edits themselves are in
 * IndexedDB, their number in local storage. Tabs share it, each takes off what it has counted.
 */
export class PendingEdits {
	readonly #key: string;
	#count: number;

	constructor(documentName: string) {
		this.#key = `pending:${documentName}`;
		this.#count = this.#stored();
	}

	get count(): number {
		return this.#count;
	}

	add(): void {
		this.#count += 1;
		writeStored(this.#key, this.#stored() + 1);
	}

	/** All that this tab knows of is acknowledged. */
	clear(): void {
		if (this.#count === 0) return;
		const others = Math.max(0, this.#stored() - this.#count);
		this.#count = 0;
		writeStored(this.#key, others === 0 ? undefined : others);
	}

	#stored(): number {
		const value = readStored(this.#key);
		return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
	}
}
