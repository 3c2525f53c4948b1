import { type Doc, decodeUpdate, findIndexSS, GC, type ID, Item, Skip } from "yjs";
import type { Waiting } from "./waiting.ts";

type Struct = ReturnType<typeof decodeUpdate>["structs"][number];

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
	const queues = new Map<number, Struct[]>();
	for (const struct of structs) {
		const { client, clock } = struct.id;
		const end = clock + struct.length;
		if (struct instanceof Skip || end <= ends.of(client)) continue;
		const queue = queues.get(client);
		if (queue === undefined) queues.set(client, [struct]);
		else queue.push(struct);
	}
	const { taken, stuck } = take(queues, ends);
	// Numbers say nothing of what can be taken in: somebody may have sent others' before them, and it waits [DUR1].
	const isWaiting = ({ id: { client, clock }, length }: Struct) =>
		waiting.hasStructs(client, clock, clock + length);
	if (!stuck.every(isWaiting)) return "held-back";
	let isKnown = taken === 0;
	for (const [client, ranges] of ds.clients) {
		for (const { clock, len } of ranges) {
			const end = clock + len;
			if (end <= ends.of(client)) isKnown &&= isDeleted(document, client, clock, end);
			else if (!waiting.hasDeletion(client, Math.max(clock, ends.of(client)), end)) return "held-back";
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

	take({ id: { client, clock }, length }: Struct): void {
		this.#taken.set(client, Math.max(this.of(client), clock + length));
	}
}

/** @returns How many structs Yjs would take in, and those that it would not. */
function take(
	queues: ReadonlyMap<number, readonly Struct[]>,
	ends: Ends,
): { readonly taken: number; readonly stuck: readonly Struct[] } {
	const next = new Map<number, number>();
	/** Clients whose next struct waits for one of this client. */
	const waiting = new Map<number, number[]>();
	const ready = [...queues.keys()];
	let taken = 0;
	for (let client = ready.pop(); client !== undefined; client = ready.pop()) {
		const queue = queues.get(client) ?? [];
		const from = next.get(client) ?? 0;
		let at = from;
		for (let struct = queue[at]; struct !== undefined; struct = queue[at]) {
			if (struct.id.clock > ends.of(client)) break;
			const missing = missingFor(struct, ends);
			if (missing !== undefined) {
				const others = waiting.get(missing.client);
				if (others === undefined) waiting.set(missing.client, [client]);
				else others.push(client);
				break;
			}
			ends.take(struct);
			at += 1;
		}
		next.set(client, at);
		if (at === from) continue;
		taken += at - from;
		ready.push(...(waiting.get(client) ?? []));
		waiting.delete(client);
	}
	const stuck = [...queues].flatMap(([client, queue]) => queue.slice(next.get(client)));
	return { taken, stuck };
}

function missingFor(struct: Struct, ends: Ends): ID | undefined {
	if (struct instanceof GC || !(struct instanceof Item)) return undefined;
	const isMissing = (id: ID | null) => id !== null && id.clock >= ends.of(id.client);
	if (isMissing(struct.origin)) return struct.origin ?? undefined;
	if (isMissing(struct.rightOrigin)) return struct.rightOrigin ?? undefined;
	const parent: unknown = struct.parent;
	const isId = typeof parent === "object" && parent !== null && "clock" in parent;
	return isId && isMissing(parent as ID) ? (parent as ID) : undefined;
}
