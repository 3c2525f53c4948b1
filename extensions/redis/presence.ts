import type { Connection, Document } from "@hocuspocus/server";
import { encodeAwarenessUpdate, removeAwarenessStates } from "y-protocols/awareness";
import { encodeEntry, readPresence, writePresence } from "../sync/presence-entries.ts";

/** What `y-protocols` says has changed. */
export interface AwarenessChange {
	readonly added: readonly number[];
	readonly updated: readonly number[];
	readonly removed: readonly number[];
}

/** Client ids whose clocks are translated, at most; the oldest are forgotten first, and are seen when they next change. */
const leadsMax = 1_000;

/** Whose presence a document shows: which client ids are here, and from which node the others came. */
export class Presence {
	readonly #document: Document;
	/** Client ids whose states other nodes know from us. */
	readonly #local = new Set<number>();
	/** The node that each other client id came from. */
	readonly #remote = new Map<number, string>();
	/** Client ids that were removed with their node: how far their clocks are ahead here of what their nodes say. */
	readonly #lead = new Map<number, number>();

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
			this.#takeBackLead(clientId);
			if (!this.#remote.delete(clientId)) continue;
			this.#local.add(clientId);
			moved.push(clientId);
		}
		return moved;
	}

	/** Removes the states that came from a node that is gone. @returns Whether there were any. */
	remove(sender: string, origin: unknown): boolean {
		const gone = [...this.#remote].filter(([, owner]) => owner === sender).map(([clientId]) => clientId);
		if (gone.length === 0) return false;
		removeAwarenessStates(this.#document.awareness, gone, origin);
		for (const clientId of gone) {
			this.#remote.delete(clientId);
			this.#lead.set(clientId, (this.#lead.get(clientId) ?? 0) + 1);
		}
		for (const clientId of this.#lead.keys()) {
			if (this.#lead.size <= leadsMax) break;
			this.#lead.delete(clientId);
		}
		return true;
	}

	/**
	 * Whoever was taken for gone and comes back may say what was said before, with the same clock, which the clients
	 * here would not take for news. @returns The update with clocks that they do.
	 */
	translate(update: Uint8Array): Uint8Array {
		if (this.#lead.size === 0) return update;
		const entries = readPresence(update);
		if (!entries.some(({ clientId }) => this.#lead.has(clientId))) return update;
		return writePresence(
			entries.map(({ clientId, clock, state }) =>
				encodeEntry(clientId, clock + (this.#lead.get(clientId) ?? 0), state),
			),
		);
	}

	/** Removes the states that came from a node which says that these are all that it has. */
	keepOnly(sender: string, update: Uint8Array, origin: unknown): void {
		const present = new Set(presentIn(update));
		const gone = [...this.#remote]
			.filter(([clientId, owner]) => owner === sender && !present.has(clientId))
			.map(([clientId]) => clientId);
		if (gone.length === 0) return;
		removeAwarenessStates(this.#document.awareness, gone, origin);
		for (const clientId of gone) this.#remote.delete(clientId);
	}

	/** All that is here, for whoever asks. */
	localIds(): number[] {
		return [...this.#local];
	}

	encode(clientIds: readonly number[]): Uint8Array {
		return encodeAwarenessUpdate(this.#document.awareness, [...clientIds]);
	}

	/** From now on its clock comes from itself. */
	#takeBackLead(clientId: number): void {
		const lead = this.#lead.get(clientId);
		if (lead === undefined) return;
		this.#lead.delete(clientId);
		const { meta } = this.#document.awareness;
		const known = meta.get(clientId);
		if (known !== undefined) meta.set(clientId, { ...known, clock: Math.max(0, known.clock - lead) });
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
	return readPresence(update)
		.filter(({ isPresent }) => isPresent)
		.map(({ clientId }) => clientId);
}

/**
 * Hocuspocus' `MessageReceiver` (4.7) shows hooks what an awareness update sets, and forgets what it removes.
 * @returns An update that removes the same states; `undefined` when there are none.
 */
export function removalsIn(update: Uint8Array): Uint8Array | undefined {
	const removals = readPresence(update).filter(({ isPresent }) => !isPresent);
	return removals.length === 0 ? undefined : writePresence(removals.map(({ bytes }) => bytes));
}
