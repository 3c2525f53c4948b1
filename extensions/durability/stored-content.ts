import { isUtf8 } from "node:buffer";
import { diffUpdate, encodeStateVector } from "yjs";
import { mergeMany } from "../sync/merge-many.ts";
import type { StoredDocument } from "./store.ts";
import { type ScanListener, scanUpdate } from "./update-scan.ts";
import { areDeep } from "./value-depth.ts";

/** Building what is not larger takes Yjs a few ms. */
const bytesMax = 16 * 1024;
/** However they depend on each other, Yjs has looked at no more than some 300,000 items when all have found their places. */
const partsMax = 750;
/** More of them take as long to merge as to apply. */
const updatesMax = 64;

/**
 * What is stored of a document, for those who ask what they lack of it: as a document answers them that is made from it. Only where
 * that is certain without making one.
 */
export class StoredContent {
	/** Together all of it, each of which goes on where those before it have ended. */
	readonly updates: readonly Uint8Array[];
	/** What somebody has who has all of it. */
	readonly stateVector: Uint8Array;
	/** Where in the only update begins what it deletes. */
	readonly #deletionsAt: number;
	#whole: Uint8Array | undefined;

	private constructor(updates: readonly Uint8Array[], { ends, deletionsAt }: Outline) {
		this.updates = updates;
		this.stateVector = encodeStateVector(ends);
		this.#deletionsAt = deletionsAt;
	}

	/** @returns `undefined` where it takes a document to say what it holds. */
	static of({ snapshot, entries }: StoredDocument): StoredContent | undefined {
		const updates = snapshot === undefined ? [] : [snapshot.update];
		for (const entry of entries) updates.push(...entry.updates);
		const bytes = updates.reduce((sum, { byteLength }) => sum + byteLength, 0);
		if (updates.length === 0 || updates.length > updatesMax || bytes > bytesMax) return undefined;
		const outline = outlineOf(updates);
		return outline === undefined ? undefined : new StoredContent(updates, outline);
	}

	/** All of it in one update. */
	get whole(): Uint8Array {
		this.#whole ??= mergeMany(this.updates);
		return this.#whole;
	}

	/** What is not in a state vector, and all deletions. @throws when that can't be read. */
	difference(stateVector: Uint8Array): Uint8Array {
		const { whole } = this;
		const isAllThere = Buffer.compare(stateVector, this.stateVector) === 0;
		if (!isAllThere || this.updates.length > 1) return diffUpdate(whole, stateVector);
		const deletions = whole.subarray(this.#deletionsAt);
		const difference = new Uint8Array(1 + deletions.byteLength);
		difference.set(deletions, 1);
		return difference;
	}
}

/** @returns `undefined` when something is missing, there twice or a document of its own, or when there is too much. */
function outlineOf(updates: readonly Uint8Array[]): Outline | undefined {
	const outline = new Outline();
	let left = partsMax;
	try {
		for (const update of updates) {
			outline.begin();
			const { parts, bytes } = scanUpdate(update, left, outline);
			left -= parts;
			if (left < 0 || bytes < update.byteLength) return undefined;
		}
	} catch {
		// Or Yjs can't read it: whoever makes a document of it says what is wrong with it.
		return undefined;
	}
	return outline.isSound ? outline : undefined;
}

/** What stored updates hold, as far as others build on it. */
class Outline implements ScanListener {
	/** For each client, the clock after its last struct. */
	readonly ends = new Map<number, number>();
	/** For each client, up to where it is deleted. */
	readonly #deleted = new Map<number, number>();
	/** For each client, what it builds on that others have made, in its order. */
	readonly #needs = new Map<number, Need[]>();
	/** Those whose structs are in the update that is being read. */
	#clients: number[] = [];
	#client = 0;
	#clock = 0;
	deletionsAt = 0;
	#isOrderly = true;

	/** Another update follows. */
	begin(): void {
		this.#clients = [];
	}

	section(client: number, clock: number): void {
		// Of two sections, Yjs would take one.
		if (clock !== (this.ends.get(client) ?? 0) || this.#clients.includes(client)) this.#isOrderly = false;
		this.#clients.push(client);
		this.#client = client;
		this.#clock = clock;
	}

	struct(clocks: number, isPlain: boolean): void {
		if (!isPlain || clocks === 0) this.#isOrderly = false;
		this.#clock += clocks;
		this.ends.set(this.#client, this.#clock);
	}

	needs(client: number, clock: number): void {
		if (client === this.#client) {
			if (clock >= this.#clock) this.#isOrderly = false;
			return;
		}
		const need = { at: this.#clock, client, clock };
		const needs = this.#needs.get(this.#client);
		if (needs === undefined) this.#needs.set(this.#client, [need]);
		else needs.push(need);
	}

	text(update: Uint8Array, from: number, end: number): number {
		let length = 0;
		let bits = 0;
		for (let at = from; at < end; at += 1) {
			const byte = update[at] ?? 0;
			bits |= byte;
			// What goes on with a character begins with these two bits; a character of four bytes is two of UTF-16.
			if ((byte & 0b1100_0000) !== 0b1000_0000) length += byte >= 0b1111_0000 ? 2 : 1;
		}
		const isAscii = bits < 0b1000_0000;
		if (!isAscii && !isUtf8(update.subarray(from, end))) throw new Error("a text is not UTF-8");
		return length;
	}

	json(update: Uint8Array, from: number, end: number): void {
		this.text(update, from, end);
		const { buffer, byteOffset } = update;
		const json = Buffer.from(buffer, byteOffset + from, end - from).toString();
		if (areDeep([JSON.parse(json)])) this.#isOrderly = false;
	}

	deletions(offset: number): void {
		this.deletionsAt = offset;
	}

	deletes(client: number, end: number): void {
		if (end > (this.#deleted.get(client) ?? 0)) this.#deleted.set(client, end);
	}

	/** Whether a document that is made of it holds nothing back. */
	get isSound(): boolean {
		if (!this.#isOrderly || !this.#findsAll()) return false;
		for (const [client, end] of this.#deleted) if (end > (this.ends.get(client) ?? 0)) return false;
		return true;
	}

	/** Whether each struct finds what it builds on: nothing is missing, nor do some wait for each other. */
	#findsAll(): boolean {
		const reached = new Map(this.ends);
		let waiting = [...this.#needs].map(([client, needs]) => ({ client, needs, found: 0 }));
		for (const { client, needs } of waiting) reached.set(client, needs[0]?.at ?? 0);
		while (waiting.length > 0) {
			let isStuck = true;
			for (const one of waiting) {
				const before = one.found;
				let need = one.needs[before];
				while (need !== undefined && need.clock < (reached.get(need.client) ?? 0)) {
					one.found += 1;
					need = one.needs[one.found];
				}
				reached.set(one.client, need?.at ?? this.ends.get(one.client) ?? 0);
				if (one.found > before) isStuck = false;
			}
			if (isStuck) return false;
			waiting = waiting.filter(({ needs, found }) => found < needs.length);
		}
		return true;
	}
}

/** A struct at one clock builds on what another client has made. */
interface Need {
	readonly at: number;
	readonly client: number;
	readonly clock: number;
}
