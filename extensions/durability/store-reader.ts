import type { Clock } from "./clock.ts";
import { applyEntries, applyStored, type DocumentEntry } from "./document-entry.ts";
import {
	DamagedDocumentError,
	DocumentDeletedError,
	type FollowResult,
	type Store,
	type StoredDocument,
} from "./store.ts";

export type StoreReaderEvent =
	/** What other nodes have stored can't be read; it is tried again every second. Once until it succeeds. */
	| { readonly type: "reading-failed"; readonly error: Error }
	| { readonly type: "reading-recovered" }
	/** A document that is open here does not read back any more. Once until it does. */
	| { readonly type: "reading-damaged"; readonly documentName: string; readonly error: Error };

export interface StoreReaderOptions {
	readonly store: Store;
	readonly clock: Clock;
	/** Those in memory. */
	readonly entries: ReadonlyMap<string, DocumentEntry>;
	readonly onEvent: (event: StoreReaderEvent) => void;
	/** The store's last position for a document is this one, and it was a later one. */
	readonly onLost?: (documentName: string, position: number) => void;
	/** The document was deleted. */
	readonly onDeleted?: (entry: DocumentEntry) => void;
}

/** Documents in one question to the store, at most. */
const batchMax = 200;
const failurePauseMs = 1_000;
const pauseMsMax = 500;

/** What another node has logged. */
const storedOrigin = { source: "redis" } as const;

/**
 * Brings what other nodes have stored into documents that are in memory here, half of the time at most: it must not slow
 * down those who are typing. Each document waits at most once, so the queue has the open documents for a bound.
 */
export class StoreReader {
	readonly #options: StoreReaderOptions;
	readonly #due = new Set<string>();
	readonly #damaged = new WeakSet<DocumentEntry>();
	#isRunning = false;
	/** Why the last attempt failed, if it did. */
	#failure: Error | undefined;
	#cancelPause: (() => void) | undefined;
	#closed = false;

	constructor(options: StoreReaderOptions) {
		this.#options = options;
	}

	/** Why documents may lack what other nodes have written, for the operator; empty when all is well. */
	get problems(): string[] {
		const failure = this.#failure;
		return failure === undefined ? [] : [`what other nodes have stored can't be read: ${failure.message}`];
	}

	/** Whether what is stored of it did not read back the last time. */
	isDamaged(entry: DocumentEntry): boolean {
		return this.#damaged.has(entry);
	}

	/** Reads it soon; does not wait. Documents that are not open are left alone. */
	read(documentName: string): void {
		this.#due.add(documentName);
		if (!this.#isRunning) this.#next();
	}

	close(): void {
		this.#closed = true;
		this.#due.clear();
		this.#cancelPause?.();
	}

	#next(): void {
		const batch = this.#take();
		this.#isRunning = batch.length > 0;
		if (batch.length === 0) return;
		const { clock } = this.#options;
		const startedMs = clock.now();
		this.#readBatch(batch).then(
			() => {
				this.#recovered();
				// When the store, or this process, stood still, that is no reason to wait as long again.
				this.#pause(Math.min(clock.now() - startedMs, pauseMsMax));
			},
			(error: Error) => {
				this.#failed(batch, error);
				this.#pause(failurePauseMs);
			},
		);
	}

	#take(): DocumentEntry[] {
		const batch: DocumentEntry[] = [];
		for (const documentName of this.#due) {
			if (batch.length === batchMax) break;
			this.#due.delete(documentName);
			const entry = this.#options.entries.get(documentName);
			if (entry !== undefined && !entry.document.isDestroyed) batch.push(entry);
		}
		return batch;
	}

	async #readBatch(batch: readonly DocumentEntry[]): Promise<void> {
		const { follow } = this.#options.store;
		if (follow === undefined) {
			for (const entry of batch) await this.#loadAnew(entry);
			return;
		}
		const requests = batch.map(({ document, readPosition, log: { generation } }) => ({
			documentName: document.name,
			position: readPosition,
			generation,
		}));
		const results = await follow.entriesAfter(requests);
		for (const [index, entry] of batch.entries()) {
			const result = results[index];
			if (result !== undefined) await this.#bringIn(entry, result);
		}
	}

	async #bringIn(entry: DocumentEntry, result: FollowResult): Promise<void> {
		switch (result.status) {
			case "entries":
				this.#damaged.delete(entry);
				if (entry.document.isDestroyed) return;
				applyEntries(entry.document, result.entries, storedOrigin);
				advance(entry, result.position);
				break;
			case "passed":
				await this.#loadAnew(entry);
				break;
			case "deleted":
				this.#options.onDeleted?.(entry);
				break;
			case "damaged":
				this.#foundDamaged(entry, result.error);
		}
	}

	async #loadAnew(entry: DocumentEntry): Promise<void> {
		const { readPosition } = entry;
		let stored: StoredDocument;
		try {
			stored = await this.#options.store.load(entry.document.name);
		} catch (error) {
			// Others are not to wait for it.
			if (error instanceof DocumentDeletedError) {
				this.#options.onDeleted?.(entry);
				return;
			}
			if (!(error instanceof DamagedDocumentError)) throw error;
			this.#foundDamaged(entry, error);
			return;
		}
		this.#damaged.delete(entry);
		if (entry.document.isDestroyed) return;
		if ((stored.generation ?? 0) !== entry.log.generation) {
			this.#options.onDeleted?.(entry);
			return;
		}
		applyStored(entry.document, stored, storedOrigin);
		if (stored.position >= readPosition) {
			advance(entry, stored.position);
			return;
		}
		this.#options.onLost?.(entry.document.name, stored.position);
		// New entries have the same positions as those that are lost.
		entry.readPosition = stored.position;
	}

	#foundDamaged(entry: DocumentEntry, error: DamagedDocumentError): void {
		if (this.#damaged.has(entry)) return;
		this.#damaged.add(entry);
		this.#options.onEvent({ type: "reading-damaged", documentName: entry.document.name, error });
	}

	#recovered(): void {
		if (this.#failure === undefined) return;
		this.#failure = undefined;
		this.#options.onEvent({ type: "reading-recovered" });
	}

	#failed(batch: readonly DocumentEntry[], error: Error): void {
		if (this.#closed) return;
		for (const { document } of batch) this.#due.add(document.name);
		const isKnown = this.#failure !== undefined;
		this.#failure = error;
		if (isKnown) return;
		this.#options.onEvent({ type: "reading-failed", error });
	}

	#pause(ms: number): void {
		if (this.#closed) return;
		this.#cancelPause = this.#options.clock.after(ms, () => this.#next());
	}
}

function advance(entry: DocumentEntry, position: number): void {
	entry.readPosition = Math.max(entry.readPosition, position);
	entry.log.position = Math.max(entry.log.position, position);
}
