import type { Connection, Document } from "@hocuspocus/server";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { encodeAwarenessUpdate, removeAwarenessStates } from "y-protocols/awareness";

/** What `y-protocols` says has changed. */
export interface AwarenessChange {
	readonly added: readonly number[];
	readonly updated: readonly number[];
	readonly removed: readonly number[];
}

/** Whose presence a document shows: which client ids are here, and from which node the others came. */
export class Presence {
	readonly #document: Document;
	/** Client ids whose states other nodes know from us. */
	readonly #local = new Set<number>();
	/** The node that each other client id came from. */
	readonly #remote = new Map<number, string>();

	constructor(document: Document) {
		this.#document = document;
	}

	get hasLocal(): boolean {
		return this.#local.size > 0;
	}

	/** @returns The client ids whose change is for us to tell. */
	changedHere({ added, updated, removed }: AwarenessChange): number[] {
		const changed: number[] = [];
		for (const clientId of [...added, ...updated]) {
			this.#remote.delete(clientId);
			this.#local.add(clientId);
			changed.push(clientId);
		}
		for (const clientId of removed) {
			this.#remote.delete(clientId);
			// Others notice by themselves when what is theirs is out of date.
			if (this.#local.delete(clientId)) changed.push(clientId);
		}
		return changed;
	}

	/** A message from another node has changed something. */
	changedThere(sender: string, { added, updated, removed }: AwarenessChange): void {
		for (const clientId of [...added, ...updated]) this.#movedTo(sender, clientId);
		for (const clientId of removed) {
			this.#local.delete(clientId);
			this.#remote.delete(clientId);
		}
	}

	/**
	 * A node of ours names client ids as its own. A client that changes nodes says the same there as here, which is no
	 * change to anybody: its state must not go with the node that it left.
	 */
	namedBy(sender: string, update: Uint8Array): void {
		for (const clientId of presentIn(update)) {
			if (this.#document.awareness.states.has(clientId)) this.#movedTo(sender, clientId);
		}
	}

	/** A client's connection here names client ids as its own. @returns Those that came from elsewhere until now. */
	namedHere(connection: Connection, clientIds: Iterable<number>): number[] {
		const moved: number[] = [];
		for (const clientId of clientIds) {
			// Hocuspocus only remembers those that it never saw before; others would outlive their connection.
			this.#document.getClients(connection).add(clientId);
			if (!this.#remote.delete(clientId)) continue;
			this.#local.add(clientId);
			moved.push(clientId);
		}
		return moved;
	}

	/** Removes the states that came from a node that is gone. */
	remove(sender: string, origin: unknown): void {
		const gone = [...this.#remote].filter(([, owner]) => owner === sender).map(([clientId]) => clientId);
		if (gone.length === 0) return;
		const { awareness } = this.#document;
		removeAwarenessStates(awareness, gone, origin);
		// The clients here are told with the old clock. After that it goes back by one, so that a client that comes back
		// with its old state is seen.
		this.#document.flush();
		for (const clientId of gone) {
			this.#remote.delete(clientId);
			const meta = awareness.meta.get(clientId);
			if (meta !== undefined) awareness.meta.set(clientId, { ...meta, clock: Math.max(0, meta.clock - 1) });
		}
	}

	/** All that is here, for whoever asks. */
	localIds(): number[] {
		return [...this.#local];
	}

	encode(clientIds: readonly number[]): Uint8Array {
		return encodeAwarenessUpdate(this.#document.awareness, [...clientIds]);
	}

	#movedTo(sender: string, clientId: number): void {
		this.#remote.set(clientId, sender);
		if (!this.#local.delete(clientId)) return;
		// Its old connection may linger here, half open; when it ends, the client is still there.
		for (const { clients } of this.#document.connections.values()) clients.delete(clientId);
	}
}

/** @returns The client ids that an awareness update (`y-protocols/awareness`) gives a state. */
export function presentIn(update: Uint8Array): number[] {
	return [...entriesOf(update)].filter(({ state }) => state !== "null").map(({ clientId }) => clientId);
}

/**
 * Hocuspocus' `MessageReceiver` (4.7) shows hooks what an awareness update sets, and forgets what it removes.
 * @returns An update that removes the same states; `undefined` when there are none.
 */
export function removalsIn(update: Uint8Array): Uint8Array | undefined {
	const removals = [...entriesOf(update)].filter(({ state }) => state === "null");
	if (removals.length === 0) return undefined;
	return encoding.encode((encoder) => {
		encoding.writeVarUint(encoder, removals.length);
		for (const { clientId, clock, state } of removals) {
			encoding.writeVarUint(encoder, clientId);
			encoding.writeVarUint(encoder, clock);
			encoding.writeVarString(encoder, state);
		}
	});
}

/** What an awareness update says of one client; the state is JSON, `null` when it has left. */
interface AwarenessEntry {
	readonly clientId: number;
	readonly clock: number;
	readonly state: string;
}

function* entriesOf(update: Uint8Array): Generator<AwarenessEntry> {
	const decoder = decoding.createDecoder(update);
	for (let left = decoding.readVarUint(decoder); left > 0; left -= 1) {
		const clientId = decoding.readVarUint(decoder);
		const clock = decoding.readVarUint(decoder);
		yield { clientId, clock, state: decoding.readVarString(decoder) };
	}
}
