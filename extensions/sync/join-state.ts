import type { Document } from "@hocuspocus/server";
import { encodeStateAsUpdate, encodeStateVector, mergeUpdates } from "yjs";
import { step1Body, step2Body, updateBody } from "./bodies.ts";
import { type Body, Bundle } from "./bundle.ts";

/** What has changed since the whole state was encoded may take so much of it, or so many bytes, before it is encoded anew. */
const changesShareMax = 1 / 8;
const changesBytesMin = 16 * 1024;
/** Different state vectors whose answers are kept. */
const answersMax = 8;

/** The whole state, for those who have nothing. */
interface Whole {
	readonly update: Uint8Array;
	/** What has changed since. */
	readonly changes: Uint8Array[];
	changesBytes: number;
}

/**
 * What joining clients are answered with. Whoever asks for the same, while the document does not change, gets the same bytes; when
 * it has changed, whoever has nothing gets the state of before and the changes.
 */
export class JoinState {
	readonly #document: Document;
	#whole: Whole | undefined;
	/** By what was asked for, as long as the document stays as it is. */
	#answers = new Map<string, Bundle>();

	constructor(document: Document) {
		this.#document = document;
	}

	get isEmpty(): boolean {
		return this.#whole === undefined && this.#answers.size === 0;
	}

	changed(update: Uint8Array): void {
		if (this.#answers.size > 0) this.#answers = new Map();
		const whole = this.#whole;
		if (whole === undefined) return;
		whole.changes.push(update);
		whole.changesBytes += update.byteLength;
		if (whole.changesBytes > Math.max(changesBytesMin, whole.update.byteLength * changesShareMax))
			this.#whole = undefined;
	}

	/**
	 * The answer to a client's `SyncStep1`, and our own.
	 * @param address See {@link Bundle}; answers are kept for the address that most clients have.
	 * @throws when the state vector can't be read.
	 */
	answer(stateVector: Uint8Array, address: Uint8Array, isCommonAddress: boolean): Bundle {
		if (!isCommonAddress) return new Bundle(address, this.#bodies(stateVector));
		const key = Buffer.from(stateVector.buffer, stateVector.byteOffset, stateVector.byteLength).toString(
			"latin1",
		);
		const known = this.#answers.get(key);
		if (known !== undefined) return known;
		const bundle = new Bundle(address, this.#bodies(stateVector));
		if (this.#answers.size < answersMax) this.#answers.set(key, bundle);
		return bundle;
	}

	/** Lets go of what is kept. */
	clear(): void {
		this.#whole = undefined;
		this.#answers = new Map();
	}

	#bodies(stateVector: Uint8Array): Body[] {
		const ours = step1Body(encodeStateVector(this.#document));
		if (!isEmptyStateVector(stateVector))
			return [step2Body(encodeStateAsUpdate(this.#document, stateVector)), ours];
		this.#whole ??= { update: encodeStateAsUpdate(this.#document), changes: [], changesBytes: 0 };
		const { update, changes } = this.#whole;
		if (changes.length === 0) return [step2Body(update), ours];
		// The provider takes itself for synced with the `SyncStep2`, so that comes last.
		return [updateBody(update), step2Body(mergeUpdates(changes)), ours];
	}
}

/** Of somebody who has nothing: no clients. */
function isEmptyStateVector(stateVector: Uint8Array): boolean {
	return stateVector.byteLength === 1 && stateVector[0] === 0;
}
