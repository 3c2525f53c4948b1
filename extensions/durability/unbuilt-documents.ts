import type { Doc } from "yjs";
import type { StoredContent } from "./stored-content.ts";

const unbuilt = new WeakMap<Doc, Unbuilt>();
const unbuildable = new WeakSet<Doc>();

/** What is stored of a document in which nobody has looked yet, so that nothing of it has been built. */
export function unbuiltContent(document: Doc): StoredContent | undefined {
	return unbuilt.get(document)?.content;
}

/** Whether somebody has looked into the document, and it could not be built: nothing that comes is taken in by it. */
export function isUnbuildable(document: Doc): boolean {
	return unbuildable.has(document);
}

/**
 * Has a document that holds nothing yet be built when somebody first looks into it: reads it, applies an update, begins a transaction. Until then
 * it takes little memory, and those who join are answered from what is stored. Its listeners are not told of what it is built from.
 * @param build Applies the content, all of it, to the document. What it throws gets everybody who looks into the document, from then on.
 */
export function buildWhenNeeded(document: Doc, content: StoredContent, build: () => void): void {
	unbuilt.set(document, new Unbuilt(document, content, build));
}

/** All that a document holds is in these. */
type Parts = Pick<Doc, "store" | "share">;
type Part = Parts[keyof Parts];

/** Stands in for the parts of a document that is still to be built. Whoever keeps a stand-in has what is behind it. */
class Unbuilt implements ProxyHandler<Part> {
	readonly content: StoredContent;
	readonly #document: Doc;
	/** Yjs never puts others in their place. */
	readonly #parts: Parts;
	readonly #standIns: Parts;
	#build: (() => void) | undefined;
	#failure: { readonly error: unknown } | undefined;

	constructor(document: Doc, content: StoredContent, build: () => void) {
		const { store, share } = document;
		this.content = content;
		this.#document = document;
		this.#build = build;
		this.#parts = { store, share };
		const handler = this as ProxyHandler<Parts["store"]> & ProxyHandler<Parts["share"]>;
		this.#standIns = { store: new Proxy(store, handler), share: new Proxy(share, handler) };
		this.#put(this.#standIns);
	}

	get(part: Part, name: PropertyKey): unknown {
		this.#buildNow();
		const value: unknown = Reflect.get(part, name);
		return typeof value === "function" ? value.bind(part) : value;
	}

	set(part: Part, name: PropertyKey, value: unknown): boolean {
		this.#buildNow();
		return Reflect.set(part, name, value);
	}

	has(part: Part, name: PropertyKey): boolean {
		this.#buildNow();
		return Reflect.has(part, name);
	}

	ownKeys(part: Part): (string | symbol)[] {
		this.#buildNow();
		return Reflect.ownKeys(part);
	}

	#put({ store, share }: Parts): void {
		const document: { store: Parts["store"]; share: Parts["share"] } = this.#document;
		document.store = store;
		document.share = share;
	}

	#buildNow(): void {
		if (this.#failure !== undefined) throw this.#failure.error;
		const build = this.#build;
		if (build === undefined) return;
		this.#build = undefined;
		unbuilt.delete(this.#document);
		this.#put(this.#parts);
		try {
			undisturbed(this.#document, build);
		} catch (error) {
			// What is there of it must not be taken for all [DUR5].
			this.#failure = { error };
			unbuildable.add(this.#document);
			this.#put(this.#standIns);
			throw error;
		}
	}
}

/**
 * Changes a document by itself: whoever looks into it may be just beginning a transaction, for which Yjs has made ready already; and
 * listeners that are there by now are for what happens from now on.
 */
function undisturbed(document: Doc, change: () => void): void {
	const { _observers, _transactionCleanups } = document;
	document._observers = new Map();
	document._transactionCleanups = [];
	try {
		change();
	} finally {
		const begun = document._observers;
		document._observers = _observers;
		document._transactionCleanups = _transactionCleanups;
		// Whoever has begun to listen meanwhile, such as `applyBounded`, goes on.
		for (const [name, listeners] of begun)
			_observers.set(name, new Set([...(_observers.get(name) ?? []), ...listeners]));
	}
}
