import { mergeUpdates } from "yjs";
import type { Position, Receipt } from "./frames.ts";
import type { SharedLog } from "./shared-log.ts";

export interface OutboxOptions {
	readonly documentName: string;
	/** Higher than that of any document this node had in memory before. */
	readonly stay: number;
	readonly log: SharedLog | undefined;
	/** {@link Outbox.receipt} has changed. */
	readonly onReceipt: () => void;
}

/** What one stay of a document in memory tells other nodes: its updates, numbered, and how many of them are durable. */
export class Outbox {
	readonly #options: OutboxOptions;
	/** Updates of this turn. */
	#updates: Uint8Array[] = [];
	#sequence = 0;
	#durable = 0;
	#isWatchingLog = false;

	constructor(options: OutboxOptions) {
		this.#options = options;
	}

	get position(): Position {
		return { stay: this.#options.stay, sequence: this.#sequence };
	}

	get receipt(): Receipt {
		return { ...this.position, durable: this.#durable };
	}

	add(update: Uint8Array): void {
		this.#updates.push(update);
	}

	/** @returns What this turn has brought, as one update that has the next number. */
	take(): Uint8Array | undefined {
		const [first, ...others] = this.#updates;
		if (first === undefined) return undefined;
		this.#updates = [];
		this.#sequence += 1;
		this.#watchLog();
		this.#options.onReceipt();
		return others.length === 0 ? first : mergeUpdates([first, ...others]);
	}

	#watchLog(): void {
		const { log, documentName, onReceipt } = this.#options;
		if (log === undefined || this.#isWatchingLog) return;
		this.#isWatchingLog = true;
		const upTo = this.#sequence;
		log.written(documentName).then(
			() => {
				this.#isWatchingLog = false;
				this.#durable = upTo;
				onReceipt();
				if (this.#sequence > upTo) this.#watchLog();
			},
			// The log was closed: others log it themselves, because nobody confirms it.
			() => {},
		);
	}
}
