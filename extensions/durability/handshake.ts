import { decodeStateVector, parseUpdateMeta } from "yjs";
import { isEmptyUpdate } from "./wire.ts";

/** What one received update means for the count of its author. A whole one holds everything that its author has. */
type Verdict = "counted" | "uncounted" | "unclear" | "whole" | "counted-whole";

/** How long a client must have sent nothing before the unclear acknowledgements go, see {@link Handshake}. */
export const quietMs = 1_000;

/**
 * How many acknowledgements a client can understand. Pure.
 *
 * `@hocuspocus/provider` 4.8 counts: an edit adds one to `unsyncedChanges`, an acknowledgement takes one off, and 0
 * means that all is saved. But when it (re)connects it starts again from 1, for the `SyncStep2` that it will answer our
 * `SyncStep1` with, and forgets what it had counted; the edits that it made offline it sends all the same, each in a
 * frame of its own (`HocuspocusProvider.startSync`, `HocuspocusProviderWebsocket.resolveConnectionAttempt`). Were those
 * acknowledged too, it would say that all is saved while the edits of that very moment are still on their way.
 *
 * So, of the frames that arrive between its `SyncStep1` and its `SyncStep2`, only those are acknowledged that it has
 * counted: they hold nothing that the state vector in its `SyncStep1` knows. And no acknowledgement leaves before its
 * `SyncStep2`, which holds everything that it has, is durable. Frames that only delete tell nothing. They are taken
 * for uncounted, and acknowledged when the client has been quiet for {@link quietMs}: too many do no harm to a client that
 * waits for none.
 *
 * A provider that gathers edits (`flushDelay`) counts a batch with its first edit. So one that it began before its `SyncStep1` and
 * sends after its `SyncStep2` is not counted, either.
 *
 * What comes before the first `SyncStep1` is not counted: a provider that waits for its token sends edits meanwhile, and
 * begins to count after that. Whoever never sends one may be no provider, and gets its acknowledgements when it is quiet.
 *
 * An edit that was refused stays counted, and its author keeps it. It is acknowledged with the next `SyncStep2` that is taken.
 */
export class Handshake {
	/** What the client's last `SyncStep1` says that it had then. */
	#known: StateVector | undefined;
	/** Whether the client's first `SyncStep1` is still to come. */
	#isNew = true;
	/** Whether the client's `SyncStep2` is still to come. */
	#isOpen = false;
	/** Of {@link #known}, after the `SyncStep2`, what a batch may hold that the client has still to send. */
	#gathered: StateVector | undefined;
	/** `SyncStep1`s that we have sent on our own account, which the client answers without counting. */
	#unasked = 0;
	#answersDue = 0;
	/** Of the frames received that Hocuspocus has not answered yet, in order. */
	#verdicts: Verdict[] = [];
	/** Frames that the client has counted, and that were refused: it has them still. */
	#refused = 0;
	/** Frames received up to the `SyncStep2` that are not answered yet. */
	#beforeCompletion = 0;
	#held = 0;
	#unclear = 0;
	readonly #isProvider: boolean;

	/** @param isProvider Whether a `SyncStep1` is certain to come. */
	constructor(isProvider: boolean) {
		this.#isProvider = isProvider;
	}

	/** Acknowledgements that may go once the client has been quiet. While it waits for that of a refused edit, it would take them for it. */
	get unclear(): number {
		if (this.#isNew && this.#isProvider) return 0;
		return this.#isOpen || this.#beforeCompletion > 0 || this.#refused > 0 ? 0 : this.#unclear;
	}

	/**
	 * The client starts counting anew: nothing that it sent before is to be acknowledged any more. It answers each of ours that
	 * it gets for these, and has counted one of the answers.
	 */
	step1Received(stateVector: Uint8Array): void {
		const known = knownIn(stateVector);
		this.#answersDue += 1;
		if (this.#isOpen) {
			this.#unasked += 1;
			// A provider that is attached while its socket is away begins twice, and what it said first is sent last.
			if (this.#known !== undefined && known !== undefined && isWithin(known, this.#known)) return;
		}
		this.#known = known;
		this.#gathered = undefined;
		this.#isNew = false;
		this.#isOpen = true;
		this.#verdicts.fill("uncounted");
		this.#held = 0;
		this.#unclear = 0;
		this.#refused = 0;
	}

	step1Sent(): void {
		if (this.#answersDue > 0) this.#answersDue -= 1;
		else this.#unasked += 1;
	}

	updateReceived(update: Uint8Array): void {
		this.#verdicts.push(this.#verdictOn(update));
		// Others were begun later.
		this.#gathered = undefined;
	}

	step2Received(update: Uint8Array): void {
		if (!this.#isOpen && this.#unasked > 0) {
			this.#unasked -= 1;
			this.#verdicts.push("whole");
			return;
		}
		this.#verdicts.push("counted-whole");
		if (!this.#isOpen) return;
		this.#isOpen = false;
		this.#gathered = this.#gatheredIn(update);
		this.#known = undefined;
		this.#beforeCompletion = this.#verdicts.length;
	}

	/** Hocuspocus has answered a frame with `SyncStatus(true)`. @returns How many acknowledgements may go on their way now. */
	acknowledgementMade(): number {
		const verdict = this.#answered();
		if (verdict === "counted" || verdict === "counted-whole") this.#held += 1;
		if (verdict === "unclear") this.#unclear += 1;
		if (verdict === "whole" || verdict === "counted-whole") {
			this.#held += this.#refused;
			this.#refused = 0;
		}
		return this.#release();
	}

	/** Hocuspocus has answered a frame with `SyncStatus(false)`. @returns As {@link acknowledgementMade}. */
	refusalMade(): number {
		const verdict = this.#answered();
		if (verdict === "counted" || verdict === "counted-whole") this.#refused += 1;
		return this.#release();
	}

	/** The client has been quiet. @returns How many acknowledgements may go now. */
	takeUnclear(): number {
		const { unclear } = this;
		if (unclear > 0) this.#unclear = 0;
		return unclear;
	}

	#answered(): Verdict {
		if (this.#beforeCompletion > 0) this.#beforeCompletion -= 1;
		return this.#verdicts.shift() ?? "counted";
	}

	#release(): number {
		if (this.#isOpen || this.#beforeCompletion > 0) return 0;
		const held = this.#held;
		this.#held = 0;
		return held;
	}

	#verdictOn(update: Uint8Array): Verdict {
		if (this.#isNew) return "unclear";
		const known = this.#isOpen ? this.#known : this.#gathered;
		if (!this.#isOpen && known === undefined) return "counted";
		const starts = parseUpdateMeta(update).from;
		if (this.#isOpen && starts.size === 0) return "unclear";
		for (const [client, start] of starts) if (start < (known?.get(client) ?? 0)) return "uncounted";
		return "counted";
	}

	/** What the server did not have: usually nothing, so that nothing is kept. */
	#gatheredIn(step2: Uint8Array): StateVector | undefined {
		const known = this.#known;
		if (known === undefined || isEmptyUpdate(step2)) return undefined;
		const gathered = new Map<number, number>();
		for (const client of parseUpdateMeta(step2).from.keys()) gathered.set(client, known.get(client) ?? 0);
		return gathered.size === 0 ? undefined : gathered;
	}
}

type StateVector = ReadonlyMap<number, number>;

/** @returns `undefined` when it can't be read: Hocuspocus won't understand it either, and closes the connection. */
function knownIn(stateVector: Uint8Array): StateVector | undefined {
	try {
		return decodeStateVector(stateVector);
	} catch {
		return undefined;
	}
}

/** Whether whoever has all of `whole` has all of `part`. */
function isWithin(part: StateVector, whole: StateVector): boolean {
	for (const [client, end] of part) if (end > (whole.get(client) ?? 0)) return false;
	return true;
}
