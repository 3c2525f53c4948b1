import {
	convertUpdateFormatV2ToV1,
	Doc,
	decodeUpdateV2,
	diffUpdate,
	diffUpdateV2,
	encodeStateAsUpdate,
	encodeStateVector,
} from "yjs";
import { applyBounded, type Effort, TooManyConflictsError, unboundedEffort } from "../sync/bounded-apply.ts";
import { isIntegrated, type UpdateEnds, updateEnds } from "./update-ends.ts";

/**
 * Applies an update that is stored. Yjs may break over it, or over what it has held back and now takes in with it, after somebody has
 * sent two structs with one number, which no honest client does: it can't begin amid a struct of which it has thrown away what is
 * before [TRN5]. The part that is new by itself begins otherwise.
 * @param effort What it may take besides, of which each look at an item is paid for.
 * @throws {TooManyConflictsError} It is to be applied again, and goes on where it has stopped.
 * @throws when the update means nothing to Yjs.
 */
export function applyStoredUpdate(document: Doc, update: Uint8Array, effort: Effort = unboundedEffort): void {
	try {
		apply(document, update, effort);
	} catch (error) {
		if (error instanceof TooManyConflictsError) throw error;
		const ends = endsIn(update, error);
		if (ends.size > 0 && isIntegrated(document, ends)) return;
		apply(document, diffUpdate(update, encodeStateVector(document)), effort);
	}
}

function apply(document: Doc, update: Uint8Array, effort: Effort): void {
	if (!applyBounded(document, update, effort)) throw new TooManyConflictsError();
}

/** @throws `error`, when it can't be read. */
function endsIn(update: Uint8Array, error: unknown): UpdateEnds {
	try {
		return updateEnds(update);
	} catch {
		throw error;
	}
}

/**
 * What Yjs holds back while stored updates are applied, kept aside until all of them are. It was held back when it was stored; what it was
 * waiting for is stored together with what came of it. Whenever somebody has sent two structs with one number, Yjs could take in now what it
 * did not take in then, and others' edits, next to what was there, would be nowhere [DUR1] [TRN5].
 */
export class HeldBack {
	readonly #document: Doc;
	readonly #updates: Uint8Array[] = [];

	/** What the document holds back already goes on waiting, too. */
	constructor(document: Doc) {
		this.#document = document;
		this.setAside();
	}

	/** After each update. */
	setAside(): void {
		const { store } = this.#document;
		if (store.pendingStructs === null) return;
		this.#updates.push(store.pendingStructs.update);
		store.pendingStructs = null;
	}

	/** After the last one. @throws as {@link applyStoredUpdate}. */
	putBack(effort?: Effort): void {
		for (const update of this.#updates.splice(0))
			applyStoredUpdate(this.#document, convertUpdateFormatV2ToV1(update), effort);
	}
}

/** What a document has, as an update, without what Yjs holds back in it. */
export function integratedState(document: Doc, stateVector?: Uint8Array): Uint8Array {
	const { store } = document;
	const { pendingStructs } = store;
	store.pendingStructs = null;
	try {
		return encodeStateAsUpdate(document, stateVector);
	} finally {
		store.pendingStructs = pendingStructs;
	}
}

/** What a document has and what Yjs holds back in it, as one update from which a document with the same can be made. */
export function wholeState(document: Doc): Uint8Array {
	const { store } = document;
	if (store.pendingStructs === null) return encodeStateAsUpdate(document);
	const { pendingStructs } = store;
	// Of two structs with one number, Yjs 13.6 may write the one that it holds back, and not the one that the document has.
	const update = diffUpdateV2(pendingStructs.update, encodeStateVector(document));
	store.pendingStructs =
		decodeUpdateV2(update).structs.length === 0 ? null : { missing: pendingStructs.missing, update };
	try {
		const whole = encodeStateAsUpdate(document);
		return isReadBack(document, whole) ? whole : integratedState(document);
	} finally {
		store.pendingStructs = pendingStructs;
	}
}

/** Whether all that a document has is in the document that is made from an update. */
function isReadBack(document: Doc, update: Uint8Array): boolean {
	const copy = new Doc({ gc: document.gc });
	try {
		applyStoredUpdate(copy, update);
		return isIntegrated(copy, endsOf(document));
	} catch {
		return false;
	} finally {
		copy.destroy();
	}
}

function endsOf({ store }: Doc): Map<number, number> {
	const ends = new Map<number, number>();
	for (const [client, structs] of store.clients) {
		const last = structs.at(-1);
		if (last !== undefined) ends.set(client, last.id.clock + last.length);
	}
	return ends;
}
