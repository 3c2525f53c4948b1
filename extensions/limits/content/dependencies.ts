import { type Doc, decodeUpdate, findIndexSS, type GC, type Item } from "yjs";
import { type Struct, takeInOrder } from "../../sync/causal-order.ts";
import type { Waiting } from "./waiting.ts";

/** What Yjs would do with an update: "known" when it brings nothing but what is in the document or waits there already. */
export type Prospect = "known" | "taken-in" | "held-back";

/**
 * Whether Yjs would hold back something of an update that is not waiting already, because it builds on something that is neither in the
 * document nor in the update. It follows `integrateStructs` and `readAndApplyDeleteSet` of Yjs 13.6: a client's structs in their
 * order, each after its neighbours and the type that it is in.
 * @throws when the update can't be read.
 */
export function prospectOf(document: Doc, update: Uint8Array, waiting: Waiting): Prospect {
	const { structs, ds } = decodeUpdate(update);
	const ends = new Ends(document);
	let taken = 0;
	const stuck = takeInOrder(
		structs,
		(client) => ends.of(client),
		(struct) => {
			ends.take(struct);
			taken += 1;
			return true;
		},
	);
	// Numbers say nothing of what can be taken in: somebody may have sent others' before them, and it waits [DUR1].
	const isWaiting = ({ id: { client, clock }, length }: Struct) =>
		waiting.hasStructs(client, clock, clock + length);
	if (!stuck.every(isWaiting)) return "held-back";
	let isKnown = taken === 0;
	for (const [client, ranges] of ds.clients) {
		// Forged ones may all be the same.
		let seen = 0;
		for (const { clock, len } of ranges.toSorted((one, other) => one.clock - other.clock)) {
			const end = clock + len;
			const start = Math.max(clock, seen);
			if (end <= start) continue;
			if (end <= ends.of(client)) isKnown &&= isDeleted(document, client, start, end);
			else if (!waiting.hasDeletion(client, Math.max(start, ends.of(client)), end)) return "held-back";
			seen = end;
		}
	}
	return isKnown ? "known" : "taken-in";
}

function isDeleted({ store }: Doc, client: number, start: number, end: number): boolean {
	const structs = store.clients.get(client);
	if (structs === undefined) return false;
	for (let at = findIndexSS(structs, start); at < structs.length; at += 1) {
		const struct = structs[at];
		if (struct === undefined || struct.id.clock >= end) return true;
		if (!struct.deleted) return false;
	}
	return true;
}

/** How far each client's structs go, with those that were taken. */
class Ends {
	readonly #document: Doc;
	readonly #taken = new Map<number, number>();

	constructor(document: Doc) {
		this.#document = document;
	}

	of(client: number): number {
		const taken = this.#taken.get(client);
		if (taken !== undefined) return taken;
		const last = this.#document.store.clients.get(client)?.at(-1);
		return last === undefined ? 0 : last.id.clock + last.length;
	}

	take({ id: { client, clock }, length }: Item | GC): void {
		this.#taken.set(client, Math.max(this.of(client), clock + length));
	}
}
