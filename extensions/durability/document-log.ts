/**
 * One document's way into the log, on this node: what is waiting to be written, what is being written, and who is to
 * hear when it is durable. Pure state; the {@link ./commit-log.ts commit log} moves it.
 */

/** Somebody who is told once that everything appended before they asked is durable. */
export interface DurabilityListener {
	/**
	 * @param count How often this listener asked while the same update was the newest.
	 * @param sinceMs What it said of the first of these.
	 */
	durable(count: number, sinceMs: number | undefined): void;
	/** The log was closed, or the document deleted, first: it will never be known. */
	abandoned(): void;
}

interface Waiter {
	/** Durable once `durable` has reached this ticket. */
	readonly ticket: number;
	readonly listener: DurabilityListener;
	count: number;
	readonly sinceMs: number | undefined;
}

/** What an update costs in memory beyond its bytes: object headers, array slots. Measured on V8 at 90 to 110. */
const overheadBytesPerUpdate = 100;

const none: readonly Uint8Array[] = [];

export class DocumentLog {
	readonly documentName: string;
	/** Number of updates ever appended here: the newest one's ticket. */
	appended = 0;
	/** Number of updates known to be durable: every ticket up to here. */
	durable = 0;
	/** The store's last position for it that we know of: what is appended from now on comes after it. */
	position = 0;
	/** Of the document that is in memory, see `StoredDocument`. */
	generation = 0;
	#isDeleted = false;
	/**
	 * Updates that no write has taken yet. It is emptied, here and elsewhere, and not made anew for each: V8 would see that a new one is
	 * there for as long as nobody edits, take all of them for long-lived, and look for garbage in them as rarely.
	 */
	readonly #queued: Uint8Array[] = [];
	#queuedBytes = 0;
	/** Updates that the running write has taken. */
	#writing: readonly Uint8Array[] = none;
	/** In order of their tickets. */
	readonly #waiters: Waiter[] = [];
	/** Set while this document alone can't be written. */
	failure: { readonly error: Error; readonly attempt: number; readonly cancelRetry: () => void } | undefined;

	constructor(documentName: string) {
		this.documentName = documentName;
	}

	get isDurable(): boolean {
		return this.durable === this.appended;
	}

	/** Whether the document was deleted: nothing of it is written any more, and nobody is told that it was. */
	get isDeleted(): boolean {
		return this.#isDeleted;
	}

	get hasQueued(): boolean {
		return this.#queued.length > 0;
	}

	/** Adds an update at the end. @returns The memory it holds until it is durable, in bytes. */
	append(update: Uint8Array): number {
		if (this.#isDeleted) return 0;
		this.appended += 1;
		this.#queued.push(update);
		this.#queuedBytes += update.byteLength;
		return update.byteLength + overheadBytesPerUpdate;
	}

	/**
	 * Takes what is queued, oldest first, for one write.
	 * @param bytesMax Stops before the update that would go beyond this, but takes at least one.
	 */
	take(bytesMax: number): { readonly updates: readonly Uint8Array[]; readonly bytes: number } {
		let bytes = 0;
		let count = 0;
		for (const update of this.#queued) {
			if (count > 0 && bytes + update.byteLength > bytesMax) break;
			bytes += update.byteLength;
			count += 1;
		}
		this.#writing = this.#queued.splice(0, count);
		this.#queuedBytes -= bytes;
		return { updates: this.#writing, bytes };
	}

	/** The write that took updates last has made them durable. @returns The memory they held, in bytes. */
	settle(): number {
		const held = heldBytes(this.#writing);
		this.durable += this.#writing.length;
		this.#writing = none;
		this.#release();
		return held;
	}

	/** The write that took updates last has failed: they stand first in the queue again. */
	putBack(): void {
		this.#queuedBytes += this.#writing.reduce((sum, update) => sum + update.byteLength, 0);
		const queued = [...this.#writing, ...this.#queued.splice(0)];
		for (const update of queued) this.#queued.push(update);
		this.#writing = none;
	}

	/**
	 * The write that took updates last is durable, but not what they build on: they are to be written again, beginning with
	 * `state`, which holds all of it.
	 * @returns By how much the memory that is held has grown, in bytes.
	 */
	putBackWith(state: Uint8Array): number {
		const replaced = this.#writing[0]?.byteLength ?? 0;
		this.#writing = this.#writing.with(0, state);
		this.putBack();
		return state.byteLength - replaced;
	}

	/**
	 * Tells `listener` once all that is appended up to now is durable: at once when it is already.
	 * @param count For a listener that asks for several at once.
	 * @param sinceMs Since when it waits, for itself.
	 */
	listen(listener: DurabilityListener, count = 1, sinceMs?: number): void {
		if (this.#isDeleted) {
			listener.abandoned();
			return;
		}
		if (this.isDurable) {
			listener.durable(count, sinceMs);
			return;
		}
		const last = this.#waiters.at(-1);
		if (last !== undefined && last.listener === listener && last.ticket === this.appended)
			last.count += count;
		else this.#waiters.push({ ticket: this.appended, listener, count, sinceMs });
	}

	/** Forgets a listener that has gone. */
	forget(listener: DurabilityListener): void {
		if (this.#waiters.length === 0) return;
		for (const waiter of this.#waiters.splice(0))
			if (waiter.listener !== listener) this.#waiters.push(waiter);
	}

	/** Ends every wait without an answer. @returns The number of updates that are not known to be durable. */
	abandon(): number {
		const waiters = this.#waiters.splice(0);
		this.failure?.cancelRetry();
		for (const { listener } of waiters) listener.abandoned();
		return this.appended - this.durable;
	}

	/** The document was deleted. @returns The memory that its updates held, in bytes. */
	discard(): number {
		const held = heldBytes(this.#writing) + heldBytes(this.#queued);
		this.#isDeleted = true;
		this.#writing = none;
		this.#queued.length = 0;
		this.#queuedBytes = 0;
		this.durable = this.appended;
		this.abandon();
		this.failure = undefined;
		return held;
	}

	#release(): void {
		let released = 0;
		for (const { ticket } of this.#waiters) {
			if (ticket > this.durable) break;
			released += 1;
		}
		for (const { listener, count, sinceMs } of this.#waiters.splice(0, released))
			listener.durable(count, sinceMs);
	}
}

function heldBytes(updates: readonly Uint8Array[]): number {
	let bytes = 0;
	for (const { byteLength } of updates) bytes += byteLength + overheadBytesPerUpdate;
	return bytes;
}
