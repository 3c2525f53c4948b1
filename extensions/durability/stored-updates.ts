import {
	convertUpdateFormatV2ToV1,
	Doc,
	decodeUpdate,
	decodeUpdateV2,
	diffUpdate,
	diffUpdateV2,
	encodeStateAsUpdate,
	encodeStateVector,
	getState,
	Skip,
} from "yjs";
import {
	applyBounded,
	type DecodedUpdate,
	type Effort,
	TooManyConflictsError,
	unboundedEffort,
} from "../sync/bounded-apply.ts";
import { collectCarefully } from "./careful-collection.ts";
import { isIntegrated, type UpdateEnds, updateEnds } from "./update-ends.ts";

/**
 * Applies an update that is stored. Yjs may break over it, or over what it has held back and now takes in with it, after somebody has
 * sent two structs with one number, which no honest client does: it can't begin amid a struct of which it has thrown away what is
 * before [TRN5]. The part that is new by itself begins otherwise.
 * @param effort What it may take besides, of which each look at an item is paid for.
 * @param decoded The update, if somebody has decoded it already; it is taken.
 * @throws {TooManyConflictsError} It is to be applied again, and goes on where it has stopped.
 * @throws when the update means nothing to Yjs.
 */
export function applyStoredUpdate(
	document: Doc,
	update: Uint8Array,
	effort: Effort = unboundedEffort,
	decoded?: DecodedUpdate,
): void {
	try {
		apply(document, update, effort, decoded);
	} catch (error) {
		if (error instanceof TooManyConflictsError) throw error;
		const ends = endsIn(update, error);
		if (ends.size > 0 && isIntegrated(document, ends)) return;
		apply(document, diffUpdate(update, encodeStateVector(document)), effort);
	}
}

function apply(document: Doc, update: Uint8Array, effort: Effort, decoded?: DecodedUpdate): void {
	if (!applyBounded(document, update, effort, decoded)) throw new TooManyConflictsError();
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
 * Applies stored updates, one after the other. One that does not go on where those before it have ended was held back when it was stored, and waits until the others are
 * there: what it was waiting for is stored together with what came of it. Where somebody has sent two structs with one number, Yjs could take in now what it did not take in then, and
 * others' edits, next to what was there, would be nowhere [DUR1] [TRN5].
 */
export class StoredUpdates {
	readonly #document: Doc;
	readonly #effort: Effort | undefined;
	readonly #later: (() => void)[] = [];

	/** What the document holds back already goes on waiting, too. @param effort As for {@link applyStoredUpdate}. */
	constructor(document: Doc, effort?: Effort) {
		collectCarefully(document);
		this.#document = document;
		this.#effort = effort;
		this.#setAside();
	}

	/** @throws as {@link applyStoredUpdate}. */
	apply(update: Uint8Array): void {
		const decoded = this.#document.store.clients.size === 0 ? undefined : readable(update);
		if (decoded !== undefined && !goesOn(this.#document, decoded)) {
			this.#later.push(() => applyStoredUpdate(this.#document, update, this.#effort));
			return;
		}
		applyStoredUpdate(this.#document, update, this.#effort, decoded);
		this.#setAside();
	}

	/** All of them were given. @throws as {@link applyStoredUpdate}. */
	end(): void {
		for (const apply of this.#later.splice(0)) apply();
	}

	#setAside(): void {
		const { store } = this.#document;
		if (store.pendingStructs === null) return;
		const { update } = store.pendingStructs;
		store.pendingStructs = null;
		this.#later.push(() =>
			applyStoredUpdate(this.#document, convertUpdateFormatV2ToV1(update), this.#effort),
		);
	}
}

function readable(update: Uint8Array): DecodedUpdate | undefined {
	try {
		return decodeUpdate(update);
	} catch {
		// Whoever applies it says why.
		return undefined;
	}
}

/** Whether the structs of each client begin where the document's end. */
function goesOn({ store }: Doc, { structs }: DecodedUpdate): boolean {
	let current: number | undefined;
	for (const struct of structs) {
		const { client, clock } = struct.id;
		if (struct instanceof Skip || (client !== current && clock !== getState(store, client))) return false;
		current = client;
	}
	return true;
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
