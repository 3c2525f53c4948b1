import type { Document } from "@hocuspocus/server";
import { encodeStateVector } from "yjs";
import { integratedState } from "../durability/stored-updates.ts";
import { unbuiltContent } from "../durability/unbuilt-documents.ts";
import { step1Body, step2Body, updateBody } from "./bodies.ts";
import { type Body, Bundle } from "./bundle.ts";
import { isOfNobody } from "./lobby.ts";
import { mergeMany } from "./merge-many.ts";

/** What has changed since the whole state was encoded may take so much of it, or so many bytes, before it is encoded anew. */
const changesShareMax = 1 / 8;
const changesBytesMin = 16 * 1024;
/** Different state vectors whose answers are kept. */
const answersMax = 8;

/** The whole state, for those who have nothing. */
interface Whole {
	/** Together all of it. */
	readonly updates: readonly Uint8Array[];
	readonly bytes: number;
	/** Them for the common address. */
	bundle: Bundle | undefined;
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
	/** What was stored when the document was loaded, as long as it is kept. */
	#loaded: Whole | undefined;
	/** By what was asked for, as long as the document stays as it is. */
	#answers: Map<string, Bundle> | undefined;

	constructor(document: Document) {
		this.#document = document;
	}

	changed(update: Uint8Array): void {
		this.#answers = undefined;
		const whole = this.#whole;
		if (whole === undefined) return;
		whole.changes.push(update);
		whole.changesBytes += update.byteLength;
		if (whole.changesBytes > Math.max(changesBytesMin, whole.bytes * changesShareMax))
			this.#whole = undefined;
	}

	/**
	 * The answer to a client's `SyncStep1`, and our own; to be sent in this order.
	 * @param address See {@link Bundle}; what is put together is kept for the address that most clients have.
	 * @throws when the state vector can't be read.
	 */
	answer(stateVector: Uint8Array, address: Uint8Array, isCommonAddress: boolean): readonly Bundle[] {
		if (isOfNobody(stateVector)) {
			this.#whole ??= wholeOf([unbuiltContent(this.#document)?.whole ?? integratedState(this.#document)]);
			if (this.#whole.changes.length > 0)
				return [beginning(this.#whole, address, isCommonAddress), this.#rest(this.#whole, address)];
		}
		if (!isCommonAddress) return [new Bundle(address, this.#bodies(stateVector))];
		const { buffer, byteOffset, byteLength } = stateVector;
		const key = Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
		this.#answers ??= new Map();
		const known = this.#answers.get(key);
		if (known !== undefined) return [known];
		const bundle = new Bundle(address, this.#bodies(stateVector));
		if (this.#answers.size < answersMax) this.#answers.set(key, bundle);
		return [bundle];
	}

	/** The document is in memory, as it was stored. */
	loaded(updates: readonly Uint8Array[]): void {
		this.#loaded = wholeOf(updates);
		this.#whole = this.#loaded;
	}

	/**
	 * For a client that was given all of {@link loaded} before: what has come since, and our own `SyncStep1`.
	 * @returns `undefined` when that is not known any more.
	 */
	rest(address: Uint8Array): Bundle | undefined {
		// Another whole state that is kept by now has some of what has come since in it.
		return this.#whole === undefined || this.#whole !== this.#loaded
			? undefined
			: this.#rest(this.#whole, address);
	}

	/** Lets go of what is kept. */
	clear(): void {
		this.#whole = undefined;
		this.#loaded = undefined;
		this.#answers = undefined;
	}

	#bodies(stateVector: Uint8Array): Body[] {
		const updates = (isOfNobody(stateVector) && this.#whole?.updates) || [
			differenceOf(this.#document, stateVector),
		];
		// The provider takes itself for synced with the `SyncStep2`, so that comes last.
		return [...updates.slice(0, -1).map(updateBody), ...updates.slice(-1).map(step2Body), this.#step1()];
	}

	#rest({ changes }: Whole, address: Uint8Array): Bundle {
		const update = changes.length === 0 ? emptyUpdate : mergeMany(changes);
		return new Bundle(address, [step2Body(update), this.#step1()]);
	}

	#step1(): Body {
		return step1Body(stateVectorOf(this.#document));
	}
}

/** What a document has, without it being built for that. */
export function stateVectorOf(document: Document): Uint8Array {
	return unbuiltContent(document)?.stateVector ?? encodeStateVector(document);
}

function differenceOf(document: Document, stateVector: Uint8Array): Uint8Array {
	return unbuiltContent(document)?.difference(stateVector) ?? integratedState(document, stateVector);
}

function wholeOf(updates: readonly Uint8Array[]): Whole {
	const bytes = updates.reduce((sum, { byteLength }) => sum + byteLength, 0);
	return { updates, bytes, bundle: undefined, changes: [], changesBytes: 0 };
}

function beginning(whole: Whole, address: Uint8Array, isCommonAddress: boolean): Bundle {
	if (!isCommonAddress) return new Bundle(address, whole.updates.map(updateBody));
	whole.bundle ??= new Bundle(address, whole.updates.map(updateBody));
	return whole.bundle;
}

const emptyUpdate = new Uint8Array([0, 0]);
