import type { Connection, Document } from "@hocuspocus/server";
import { applyAwarenessUpdate } from "y-protocols/awareness";
import { awarenessBody } from "./bodies.ts";
import type { Body } from "./bundle.ts";
import { originOf } from "./origins.ts";
import { encodeEntry, type PresenceEntry, readPresence, writePresence } from "./presence-entries.ts";
import { tellPresenceNamed } from "./presence-named.ts";

interface Received {
	readonly connection: Connection;
	readonly entry: PresenceEntry;
}

/**
 * The presence of a document's people between two flushes: what has come is applied in one go, and only the latest state of
 * each is sent.
 */
export class PresenceBatch {
	readonly #document: Document;
	/** Like the others: made when there is something for it, as most documents have nobody who moves. */
	#received: Map<number, Received> | undefined;
	/** What is being applied. */
	#applying: ReadonlyMap<number, Received> | undefined;
	/** Whose state is to be sent, with the bytes in which it came where it came from a client of ours. */
	#changed: Map<number, Uint8Array | undefined> | undefined;

	constructor(document: Document) {
		this.#document = document;
	}

	/** @throws when the update can't be read; nothing of it counts then. */
	receive(connection: Connection, update: Uint8Array): void {
		for (const entry of readPresence(update)) {
			this.#received ??= new Map();
			const waiting = this.#received.get(entry.clientId)?.entry;
			if (waiting === undefined || isNewer(entry, waiting))
				this.#received.set(entry.clientId, { connection, entry });
		}
	}

	/** Applies what has come. */
	apply(): void {
		const received = this.#received;
		if (received === undefined) return;
		this.#received = undefined;
		const connections = new Set<Connection>();
		const entries: Uint8Array[] = [];
		for (const { connection, entry } of received.values()) {
			connections.add(connection);
			entries.push(entry.bytes);
			if (!entry.isPresent) continue;
			// Hocuspocus notes only those that nobody has seen before; others would outlive their connection.
			this.#document.getClients(connection).add(entry.clientId);
			tellPresenceNamed(this.#document, connection, [entry.clientId]);
		}
		this.#applying = received;
		try {
			applyAwarenessUpdate(this.#document.awareness, writePresence(entries), originOf([...connections]));
		} finally {
			this.#applying = undefined;
		}
		const { states } = this.#document.awareness;
		// Who has left a connection must not be taken away with it, after coming back on another.
		for (const { connection, entry } of received.values())
			if (!states.has(entry.clientId)) this.#document.getClients(connection).delete(entry.clientId);
	}

	/** The states of these clients have changed, for whatever reason. */
	changed(clientIds: readonly number[]): void {
		if (clientIds.length === 0) return;
		const { meta } = this.#document.awareness;
		this.#changed ??= new Map();
		for (const clientId of clientIds) {
			const entry = this.#applying?.get(clientId)?.entry;
			const isAsItCame = entry !== undefined && meta.get(clientId)?.clock === entry.clock;
			this.#changed.set(clientId, isAsItCame ? entry.bytes : undefined);
		}
	}

	/**
	 * @returns What is to be sent; `undefined` when there is nothing. To its authors, too: the provider takes a server for dead
	 * from which it gets nothing, not even its own presence (`HocuspocusProviderWebsocket.checkConnection`).
	 */
	take(): { readonly body: Body; readonly clientIds: readonly number[] } | undefined {
		const changed = this.#changed;
		if (changed === undefined) return undefined;
		this.#changed = undefined;
		const entries = Array.from(changed, ([clientId, bytes]) => bytes ?? this.#encode(clientId));
		return { body: awarenessBody(writePresence(entries)), clientIds: [...changed.keys()] };
	}

	/** @returns The state of each, as it is now. */
	bodyOf(clientIds: Iterable<number>): Body {
		return awarenessBody(writePresence(Array.from(clientIds, (clientId) => this.#encode(clientId))));
	}

	#encode(clientId: number): Uint8Array {
		const { meta, states } = this.#document.awareness;
		return encodeEntry(clientId, meta.get(clientId)?.clock ?? 0, states.get(clientId));
	}
}

/** As `y-protocols` decides: a client leaves without a new clock. */
function isNewer(entry: PresenceEntry, than: PresenceEntry): boolean {
	return entry.clock > than.clock || (entry.clock === than.clock && !entry.isPresent);
}
