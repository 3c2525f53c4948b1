import * as decoding from "lib0/decoding";
import { type AbstractType, type Doc, decodeUpdate, findIndexSS, GC, type ID, Item, Skip } from "yjs";

/** Where items belong that an update adds. */
export interface Addition {
	readonly client: number;
	readonly clock: number;
	readonly length: number;
	/** `undefined` for what belongs nowhere, because its surroundings were garbage collected. */
	readonly root: string | undefined;
}

export type RootsTouched =
	| {
			readonly type: "known";
			/** Names of the root types in which the update adds or deletes something. */
			readonly roots: ReadonlySet<string>;
			readonly additions: readonly Addition[];
	  }
	/** It builds on something that is not here, so there is no telling. */
	| { readonly type: "unknown" };

/**
 * In which root types of a document an update would change something: add items or delete them, at whatever depth. What
 * the document has already, and what is deleted already, is no change. The document stays as it is.
 * @param ahead Additions of updates that were let through, and that may not be in the document yet.
 * @throws when the update can't be read.
 */
export function rootsTouchedBy(
	document: Doc,
	update: Uint8Array,
	ahead: readonly Addition[] = [],
): RootsTouched {
	const { structs, ds } = decodeUpdate(update);
	if (!isInOrder(structs, update)) return { type: "unknown" };
	const own = structs.filter((struct) => !(struct instanceof Skip)) as (Item | GC)[];
	const places = new Places(document, own, ahead);
	try {
		const additions: Addition[] = [];
		for (const struct of own) {
			if (places.isNew(struct)) additions.push(places.add(struct));
			else places.check(struct);
		}
		if (!places.canBeTakenIn()) return { type: "unknown" };
		for (const [client, ranges] of ds.clients)
			for (const { clock, len } of ranges) places.remove(client, clock, clock + len);
		return { type: "known", roots: places.touched, additions };
	} catch (error) {
		if (error instanceof Unresolvable) return { type: "unknown" };
		throw error;
	}
}

/**
 * Whether an update has one section for each client, without overlaps, as all that Yjs makes have. Of two sections for the same client
 * it would read one (`readClientsStructRefs`) where `decodeUpdate` gives both. Nor does it make empty items, which it would integrate
 * though they look as if it had them.
 */
function isInOrder(structs: readonly (Item | GC | Skip)[], update: Uint8Array): boolean {
	const ends = new Map<number, number>();
	let current: number | undefined;
	for (const { id, length } of structs) {
		const isSame = id.client === current;
		if (length === 0 || (isSame ? ends.get(id.client) !== id.clock : ends.has(id.client))) return false;
		current = id.client;
		ends.set(id.client, id.clock + length);
	}
	return decoding.readVarUint(decoding.createDecoder(update)) === ends.size;
}

class Unresolvable extends Error {}

/**
 * Where items belong. One says where it is only if it has no neighbours; otherwise Yjs takes that from them (Yjs 13,
 * `Item.getMissing` and `Item.integrate`). An honest client's neighbours are in the same place. Of others all count:
 * both neighbours, and the item's own beginning when the document has that already.
 */
class Places {
	readonly touched = new Set<string>();
	readonly #document: Doc;
	readonly #ahead: readonly Addition[];
	/** The update's own, by client, in order. */
	readonly #own = new Map<number, (Item | GC)[]>();
	readonly #resolved = new Map<Item | GC, string | undefined>();
	/** How far clients are, with what is ahead; and with what was added here. */
	readonly #knownEnds = new Map<number, number>();
	readonly #ends = new Map<number, number>();
	readonly #rootNames: ReadonlyMap<unknown, string>;

	constructor(document: Doc, own: readonly (Item | GC)[], ahead: readonly Addition[]) {
		this.#document = document;
		this.#ahead = ahead;
		this.#rootNames = new Map([...document.share].map(([name, type]) => [type, name]));
		for (const struct of own) {
			const { client } = struct.id;
			const structs = this.#own.get(client);
			if (structs === undefined) this.#own.set(client, [struct]);
			else structs.push(struct);
		}
		for (const { client, clock, length } of ahead)
			this.#knownEnds.set(client, Math.max(this.#knownEndOf(client), clock + length));
	}

	isNew({ id: { client, clock }, length }: Item | GC): boolean {
		return clock + length > this.#stateOf(client);
	}

	/** For what the document has already: Yjs holds back even that, and all behind it, when its surroundings are missing. */
	check(struct: Item | GC): void {
		for (const { client, clock } of surroundings(struct)) this.#rootAt(client, clock);
		const isNewRoot =
			struct instanceof Item && typeof struct.parent === "string" && !this.#document.share.has(struct.parent);
		// It would be made, though nothing is put into it.
		if (isNewRoot) this.#touch(struct.parent as unknown as string);
	}

	add(struct: Item | GC): Addition {
		const { client, clock } = struct.id;
		// Yjs would hold it back until what is before it comes.
		if (clock > this.#endOf(client)) throw new Unresolvable();
		this.#ends.set(client, Math.max(this.#endOf(client), clock + struct.length));
		const root = this.#resolve(struct);
		return { client, clock, length: struct.length, root };
	}

	/**
	 * Whether Yjs can take in all of the update: a client's items in their order, each after its surroundings. It holds back what waits
	 * for each other in a circle, and where that ends up is not known.
	 */
	canBeTakenIn(): boolean {
		const next = new Map([...this.#own.keys()].map((client) => [client, 0]));
		const waiting = new Map<Item | GC, number[]>();
		const ready = [...this.#own.keys()];
		let left = [...this.#own.values()].reduce((sum, { length }) => sum + length, 0);
		for (let client = ready.pop(); client !== undefined; client = ready.pop()) {
			const structs = this.#own.get(client) ?? [];
			for (let at = next.get(client) ?? 0; at < structs.length; at += 1) {
				const struct = structs[at] as Item | GC;
				const missing = this.#ownSurroundings(struct).find((other) => !isBefore(other, next, this.#own));
				if (missing !== undefined) {
					const others = waiting.get(missing);
					if (others === undefined) waiting.set(missing, [client]);
					else others.push(client);
					break;
				}
				next.set(client, at + 1);
				left -= 1;
				ready.push(...(waiting.get(struct) ?? []));
				waiting.delete(struct);
			}
		}
		return left === 0;
	}

	/** Those of its surroundings that the update itself brings. */
	#ownSurroundings(struct: Item | GC): (Item | GC)[] {
		return surroundings(struct)
			.filter(({ client, clock }) => clock >= this.#stateOf(client) && !this.#aheadAt(client, clock))
			.map(({ client, clock }) => this.#ownAt(client, clock));
	}

	remove(client: number, from: number, to: number): void {
		const stored = this.#document.store.clients.get(client) ?? [];
		const state = this.#stateOf(client);
		if (from < state) {
			for (let index = findIndexSS(stored, from); index < stored.length; index += 1) {
				const struct = stored[index] as Item | GC;
				if (struct.id.clock >= to) break;
				if (!struct.deleted) this.#touch(this.#rootOfStored(struct));
			}
		}
		for (let clock = Math.max(from, state); clock < to; ) {
			const found = this.#aheadAt(client, clock) ?? this.#ownAddition(client, clock);
			this.#touch(found.root);
			clock = found.clock + found.length;
		}
	}

	#touch(root: string | undefined): void {
		if (root !== undefined) this.touched.add(root);
	}

	/** Depth first, without recursion: chains of neighbours are as long as an attacker likes. */
	#resolve(struct: Item | GC): string | undefined {
		const open = [struct];
		const seen = new Set<Item | GC>();
		for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
			const missing = this.#resolved.has(top) ? [] : this.#unresolvedBefore(top);
			if (missing.length === 0) {
				if (!this.#resolved.has(top)) this.#resolved.set(top, this.#settle(top));
				open.pop();
			} else if (seen.has(top)) throw new Unresolvable();
			else open.push(...missing);
			seen.add(top);
		}
		return this.#resolved.get(struct);
	}

	#unresolvedBefore(struct: Item | GC): (Item | GC)[] {
		return surroundings(struct).flatMap((id) => {
			if (id.clock < this.#stateOf(id.client) || this.#aheadAt(id.client, id.clock) !== undefined) return [];
			const neighbour = this.#ownAt(id.client, id.clock);
			return this.#resolved.has(neighbour) ? [] : [neighbour];
		});
	}

	#settle(struct: Item | GC): string | undefined {
		if (struct instanceof GC) return undefined;
		const { client, clock } = struct.id;
		const roots = surroundings(struct).map((id) => this.#rootAt(id.client, id.clock));
		if (typeof struct.parent === "string") roots.push(struct.parent);
		// Yjs puts what is new of it behind what is known of it, whatever it says of its place.
		const known = this.#knownEndOf(client);
		if (clock < known) roots.push(this.#rootAt(client, known - 1));
		for (const root of roots) this.#touch(root);
		// Next to something that was collected it is collected, too; if not all is, it counts for where the rest is.
		return roots.find((root) => root !== undefined);
	}

	#rootAt(client: number, clock: number): string | undefined {
		if (clock < this.#stateOf(client)) {
			const stored = this.#document.store.clients.get(client) ?? [];
			return this.#rootOfStored(stored[findIndexSS(stored, clock)] as Item | GC);
		}
		const ahead = this.#aheadAt(client, clock);
		return ahead === undefined ? this.#resolved.get(this.#ownAt(client, clock)) : ahead.root;
	}

	#rootOfStored(struct: Item | GC): string | undefined {
		let item: Item | GC | null = struct;
		while (item instanceof Item) {
			const parent = item.parent as AbstractType<unknown> | null;
			if (parent === null) return undefined;
			if (parent._item === null) {
				const name = this.#rootNames.get(parent);
				if (name === undefined) throw new Unresolvable();
				return name;
			}
			item = parent._item;
		}
		return undefined;
	}

	#stateOf(client: number): number {
		const last = this.#document.store.clients.get(client)?.at(-1);
		return last === undefined ? 0 : last.id.clock + last.length;
	}

	#knownEndOf(client: number): number {
		return Math.max(this.#knownEnds.get(client) ?? 0, this.#stateOf(client));
	}

	#endOf(client: number): number {
		return Math.max(this.#ends.get(client) ?? 0, this.#knownEndOf(client));
	}

	#aheadAt(client: number, at: number): Addition | undefined {
		return this.#ahead.find(
			({ client: owner, clock, length }) => owner === client && clock <= at && at < clock + length,
		);
	}

	#ownAddition(client: number, at: number): Addition {
		const struct = this.#ownAt(client, at);
		return { client, clock: struct.id.clock, length: struct.length, root: this.#resolve(struct) };
	}

	#ownAt(client: number, at: number): Item | GC {
		const structs = this.#own.get(client) ?? [];
		let [low, high] = [0, structs.length - 1];
		while (low <= high) {
			const middle = (low + high) >> 1;
			const struct = structs[middle] as Item | GC;
			if (struct.id.clock > at) high = middle - 1;
			else if (struct.id.clock + struct.length <= at) low = middle + 1;
			else return struct;
		}
		throw new Unresolvable();
	}
}

/** Whether a struct of the update comes before how far its client is. */
function isBefore(
	struct: Item | GC,
	next: ReadonlyMap<number, number>,
	own: ReadonlyMap<number, readonly (Item | GC)[]>,
): boolean {
	const { client, clock } = struct.id;
	const upcoming = own.get(client)?.[next.get(client) ?? 0];
	return upcoming === undefined || clock < upcoming.id.clock;
}

/** What says where an item of an update is, other than a name. */
function surroundings(struct: Item | GC): ID[] {
	if (struct instanceof GC) return [];
	const { origin, rightOrigin, parent } = struct;
	const ids = [origin, rightOrigin].filter((id) => id !== null);
	const isId = parent !== null && typeof parent === "object" && "clock" in parent;
	return isId ? [...ids, parent as unknown as ID] : ids;
}
