import {
	applyUpdate,
	type Doc,
	decodeUpdate,
	decodeUpdateV2,
	diffUpdate,
	diffUpdateV2,
	encodeStateVector,
	type GC,
	Item,
	iterateDeletedStructs,
	mergeUpdatesV2,
	type Transaction,
	transact,
} from "yjs";
import { type Struct, takeInOrder } from "./causal-order.ts";
import { conflictsOf, isUncontested } from "./conflict-walk.ts";

/** What a document's edits may cost beyond what edits cost, in items that Yjs looks at: 0.15 µs each, up to 0.7 among many. */
export interface Effort {
	/** What may be paid now. */
	left(): number;
	pay(items: number): void;
}

export const unboundedEffort: Effort = { left: () => Number.POSITIVE_INFINITY, pay() {} };

/** An update takes more looking at others' items than may be paid. What comes before that in it is in the document, which is whole. */
export class TooManyConflictsError extends Error {
	override readonly name = "TooManyConflictsError";

	constructor() {
		super("an update was made in the same place as too much else");
	}
}

/** What an update holds. Whoever applies it takes it: its structs become the document's, and it is of no use to anybody else then. */
export type DecodedUpdate = ReturnType<typeof decodeUpdate>;

type DeletedRanges = DecodedUpdate["ds"];
type HeldBack = Doc["store"]["pendingStructs"];

/** What nobody pays for, of each struct: people who write in the same place at the same time. */
const freePerStruct = 32;
/** And of each update: who comes back finds what others have made there meanwhile. */
const freePerUpdate = 256;
/** Structs that are cut in two by one update: nobody pays for so many. */
const freeCuts = 64;
/** Yjs moves a client's structs behind one that it cuts; so many of them take as long as a look at an item. */
const structsMovedPerItem = 1_024;
/** Deleted ranges that are applied before it is looked what they have cost. */
const rangesAtOnce = 64;

/**
 * Applies an update, and stops where it gets too expensive: Yjs finds the place of an item by looking at all that others have made there at
 * the same time, for each, so a small update can take minutes. It stops between two structs, and the document is as if that had been all.
 * Call it within a transaction. It follows `readUpdateV2` of Yjs 13.6.
 * @param decoded The update, if somebody has decoded it already; it is taken.
 * @returns Whether nothing waits that was held back before and could be taken in: that may take too much, too.
 * @throws {TooManyConflictsError}
 * @throws when the update can't be read or means nothing to Yjs.
 */
export function applyBounded(
	document: Doc,
	update: Uint8Array,
	effort: Effort,
	decoded?: DecodedUpdate,
): boolean {
	document.on("afterTransaction", leaveFormatsToClients);
	return transact(
		document,
		(transaction) => {
			transaction.local = false;
			return new Application(document, transaction, effort).run(update, decoded);
		},
		undefined,
		false,
	);
}

/**
 * After a change, Yjs looks for formats that are not needed any more: at the whole text, or at all that is deleted beside each deleted
 * item, so a few bytes can take minutes. All clients do so as well, and what they find they delete.
 */
function leaveFormatsToClients(transaction: Transaction): void {
	transaction._needFormattingCleanup = false;
}

class Application {
	readonly #document: Doc;
	readonly #transaction: Transaction;
	readonly #effort: Effort;
	#free = freePerUpdate;
	#cuts = 0;

	constructor(document: Doc, transaction: Transaction, effort: Effort) {
		this.#document = document;
		this.#transaction = transaction;
		this.#effort = effort;
	}

	run(update: Uint8Array, decoded = decodeUpdate(update)): boolean {
		const { store } = this.#document;
		const { structs, ds } = decoded;
		const stuck = this.#takeIn(structs, (struct) => {
			this.#integrate(struct);
			return true;
		});
		const isAllDeleted = this.#delete(ds);
		const { pendingStructs, pendingDs } = store;
		if (stuck.length === 0 && isAllDeleted && pendingStructs === null && pendingDs === null) return true;
		const areReleased = this.#release(stuck);
		// What is to be held back, or was, Yjs knows best. It is given nothing else: it cuts others' structs also for what it has.
		const left = diffUpdate(update, encodeStateVector(this.#endsOf(structs)));
		if (areReleased) applyUpdate(this.#document, left);
		else this.#besideHeldBack(() => applyUpdate(this.#document, left));
		return areReleased;
	}

	/** @returns What builds on something that is not there. */
	#takeIn(structs: readonly Struct[], take: (struct: Item | GC) => boolean): Struct[] {
		return takeInOrder(structs, (client) => this.#endOf(client), take);
	}

	#endOf(client: number): number {
		const last = this.#document.store.clients.get(client)?.at(-1);
		return last === undefined ? 0 : last.id.clock + last.length;
	}

	#integrate(struct: Item | GC): void {
		const { client, clock } = struct.id;
		const offset = this.#endOf(client) - clock;
		if (offset >= struct.length) return;
		if (struct instanceof Item) this.#payForPlace(struct, offset);
		struct.integrate(this.#transaction, offset);
	}

	#payForPlace(item: Item, offset: number): void {
		const { store } = this.#document;
		const parent: unknown = item.parent;
		if (typeof parent === "string") item.parent = this.#document.get(parent);
		const { origin, rightOrigin } = item;
		// Yjs notes there what it cuts.
		const cut = this.#transaction._mergeStructs;
		const { length } = cut;
		item.getMissing(this.#transaction, store);
		if (cut.length > length)
			for (const id of [origin, rightOrigin]) this.#payForCuts(id?.client, cut.length - length);
		const left = offset === 0 ? item.left : this.#before(item);
		// As where people type, mostly.
		if (left === undefined || isUncontested(item, left)) return;
		const max = this.#effort.left() + this.#free + freePerStruct;
		this.#pay(conflictsOf(this.#document, item, left, max));
	}

	/** What its author has made last that is in the document. */
	#before({ id }: Item): Item | undefined {
		const last = this.#document.store.clients.get(id.client)?.at(-1);
		return last instanceof Item ? last : undefined;
	}

	/** @throws {TooManyConflictsError} */
	#pay(items: number): void {
		if (items <= freePerStruct) return;
		const price = items - freePerStruct;
		const paid = Math.max(0, price - this.#free);
		this.#free = Math.max(0, this.#free - price);
		if (paid === 0) return;
		if (paid > this.#effort.left()) throw new TooManyConflictsError();
		this.#effort.pay(paid);
	}

	/** @throws {TooManyConflictsError} */
	#payForCuts(client: number | undefined, cuts: number): void {
		if (client === undefined || cuts === 0) return;
		this.#cuts += cuts;
		const { length = 0 } = this.#document.store.clients.get(client) ?? {};
		if (this.#cuts > freeCuts) this.#pay((cuts * length) / structsMovedPerItem);
	}

	/** @returns Whether all of it was there to be deleted. */
	#delete({ clients }: DeletedRanges): boolean {
		let isAll = true;
		for (const [client, ranges] of clients) {
			const structs = this.#document.store.clients.get(client) ?? [];
			const end = this.#endOf(client);
			const there = ranges.flatMap(({ clock, len }) =>
				clock < end ? { clock, len: Math.min(len, end - clock) } : [],
			);
			isAll &&= ranges.every(({ clock, len }) => clock + len <= end);
			for (let at = 0; at < there.length; at += rangesAtOnce) {
				const { length } = structs;
				const some = { clients: new Map([[client, there.slice(at, at + rangesAtOnce)]]) };
				iterateDeletedStructs(this.#transaction, some, (struct) => struct.delete(this.#transaction));
				this.#payForCuts(client, structs.length - length);
			}
		}
		return isAll;
	}

	/**
	 * Takes in what was held back and is not missing anything any more, and what builds on that.
	 * @param stuck What the update has of it.
	 * @returns Whether that was all there is to it.
	 */
	#release(stuck: readonly Struct[]): boolean {
		const { store } = this.#document;
		try {
			if (store.pendingStructs !== null) this.#releaseStructs(store.pendingStructs, stuck);
			if (store.pendingDs !== null) this.#delete(decodeUpdateV2(store.pendingDs).ds);
			return true;
		} catch (error) {
			// Others than the author of this update have sent it: it goes on waiting. What builds on it is not taken in otherwise, either.
			if (error instanceof TooManyConflictsError && stuck.length === 0) return false;
			throw error;
		}
	}

	/**
	 * Over what it can't take in, Yjs would lose all that it holds back [DUR1]: that is thrown away alone, with what its author has made
	 * after it.
	 */
	#releaseStructs({ missing, update }: NonNullable<HeldBack>, stuck: readonly Struct[]): void {
		const isReleased = [...missing].some(([client, clock]) => clock < this.#endOf(client));
		if (!isReleased) return;
		const { structs } = decodeUpdateV2(update);
		const inOrder = [...structs, ...stuck].sort((one, other) => one.id.clock - other.id.clock);
		const broken = new Map<number, number>();
		let isDone = false;
		try {
			this.#takeIn(inOrder, (struct) => {
				const isTaken = this.#isIntegrated(struct);
				if (!isTaken) broken.set(struct.id.client, Number.MAX_SAFE_INTEGER);
				return isTaken;
			});
			isDone = true;
		} finally {
			// Yjs is not to see again what is done. While it is not, the same goes on waiting, so that nobody logs it anew.
			const ends = isDone ? this.#endsOf(structs) : new Map<number, number>();
			for (const [client, end] of broken) ends.set(client, end);
			if (ends.size > 0) this.#document.store.pendingStructs = without({ missing, update }, ends);
		}
	}

	#endsOf(structs: readonly Struct[]): Map<number, number> {
		const ends = new Map<number, number>();
		for (const { id } of structs) if (!ends.has(id.client)) ends.set(id.client, this.#endOf(id.client));
		return ends;
	}

	#isIntegrated(struct: Item | GC): boolean {
		try {
			this.#integrate(struct);
			return true;
		} catch (error) {
			if (error instanceof TooManyConflictsError) throw error;
			return false;
		}
	}

	/** Without Yjs trying what it holds back, which goes on waiting, with what is held back now. */
	#besideHeldBack(apply: () => void): void {
		const { store } = this.#document;
		const { pendingStructs, pendingDs } = store;
		store.pendingStructs = null;
		store.pendingDs = null;
		try {
			apply();
		} finally {
			store.pendingStructs = together(pendingStructs, store.pendingStructs);
			store.pendingDs = pendingDs === null ? store.pendingDs : mergedDeletions(pendingDs, store.pendingDs);
		}
	}
}

function together(before: HeldBack, added: HeldBack): HeldBack {
	if (before === null || added === null) return before ?? added;
	for (const [client, clock] of before.missing)
		added.missing.set(client, Math.min(clock, added.missing.get(client) ?? clock));
	return { missing: added.missing, update: mergeUpdatesV2([before.update, added.update]) };
}

/** @param ends Clients, with the clock before which theirs don't wait. */
function without({ missing, update }: NonNullable<HeldBack>, ends: Map<number, number>): HeldBack {
	const left = diffUpdateV2(update, encodeStateVector(ends));
	return decodeUpdateV2(left).structs.length === 0 ? null : { missing, update: left };
}

function mergedDeletions(before: Uint8Array, added: Uint8Array | null): Uint8Array {
	return added === null ? before : mergeUpdatesV2([before, added]);
}
