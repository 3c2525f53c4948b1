import type { Connection, Document } from "@hocuspocus/server";
import * as decoding from "lib0/decoding";
import { type PresenceEntry, readPresence, writePresence } from "../../sync/presence-entries.ts";
import type { ContentLimitsMax } from "./screen-context.ts";

/** States up to this size are not counted one by one, in bytes: cursors, names and colours are smaller. */
const smallBytes = 1024;

export type PresenceVerdict =
	| { readonly type: "all" }
	/** `update`: what is left of it, if anything. `limit`: undefined when nothing is lost with the rest. */
	| {
			readonly type: "some";
			readonly update: Uint8Array | undefined;
			readonly limit: "presence-size" | "presence-clients" | undefined;
	  };

const all: PresenceVerdict = { type: "all" };

/** The presence of one document, as far as it is not small. */
export class PresenceScreen {
	readonly #document: Document;
	readonly #limits: ContentLimitsMax;
	readonly #settle: () => void;
	/** Bytes of states that are not small, by awareness client; made when there is one. */
	#large: Map<number, number> | undefined;
	#largeBytes = 0;
	/** Clients that became a connection's with what may not have been applied yet. */
	#waiting: WeakMap<Connection, Set<number>> | undefined;

	constructor(document: Document, limits: ContentLimitsMax, settle: () => void) {
		this.#document = document;
		this.#limits = limits;
		this.#settle = settle;
	}

	/** All that was admitted has been applied. */
	settled(): void {
		this.#waiting = undefined;
	}

	/** @throws when the update can't be read. */
	judge(connection: Connection, update: Uint8Array): PresenceVerdict {
		if (this.#isUsual(connection, update)) return all;
		// What came before is to be known.
		this.#settle();
		const owned: ReadonlySet<number> = this.#document.getClients(connection);
		const added = new Set<number>();
		let unknownLeavers = 0;
		let limit: "presence-size" | "presence-clients" | undefined;
		const entries = readPresence(update);
		const kept = entries.filter((entry) => {
			if (!entry.isPresent) {
				this.#note(entry.clientId, 0);
				if (this.#document.awareness.states.has(entry.clientId)) return true;
				// They may be on their way; whoever names thousands has `y-protocols` remember their clocks.
				unknownLeavers += 1;
				return unknownLeavers <= this.#limits.presenceClientsPerConnectionMax;
			}
			if (!owned.has(entry.clientId)) added.add(entry.clientId);
			if (
				owned.size + added.size > this.#limits.presenceClientsPerConnectionMax &&
				!owned.has(entry.clientId)
			)
				limit ??= "presence-clients";
			else if (!this.#fits(entry)) limit ??= "presence-size";
			else return true;
			return false;
		});
		if (kept.length === entries.length) return all;
		const rest = kept.length === 0 ? undefined : writePresence(kept.map(({ bytes }) => bytes));
		return { type: "some", update: rest, limit };
	}

	/** One small state of a client that is this connection's, or for which it has room. */
	#isUsual(connection: Connection, update: Uint8Array): boolean {
		if (update.byteLength > smallBytes) return false;
		const decoder = decoding.createDecoder(update);
		if (decoding.readVarUint(decoder) !== 1) return false;
		const clientId = decoding.readVarUint(decoder);
		if (this.#large?.has(clientId) === true) return false;
		const owned: ReadonlySet<number> = this.#document.getClients(connection);
		if (owned.has(clientId)) return true;
		this.#waiting ??= new WeakMap();
		const waiting = this.#waiting.get(connection) ?? new Set();
		if (owned.size + waiting.size >= this.#limits.presenceClientsPerConnectionMax) return false;
		this.#waiting.set(connection, waiting.add(clientId));
		return true;
	}

	#fits({ clientId, bytes }: PresenceEntry): boolean {
		const { byteLength } = bytes;
		const before = this.#large?.get(clientId) ?? 0;
		const now = byteLength > smallBytes ? byteLength : 0;
		if (now > this.#limits.presenceBytesMax) return false;
		if (now > before && this.#largeBytes - before + now > this.#limits.documentPresenceBytesMax) return false;
		this.#note(clientId, now);
		return true;
	}

	#note(clientId: number, bytes: number): void {
		const before = this.#large?.get(clientId) ?? 0;
		if (before === bytes) return;
		this.#largeBytes += bytes - before;
		if (bytes === 0) this.#large?.delete(clientId);
		else this.#watched().set(clientId, bytes);
	}

	#watched(): Map<number, number> {
		if (this.#large !== undefined) return this.#large;
		this.#large = new Map();
		this.#document.awareness.on("update", ({ removed }: { readonly removed: readonly number[] }) => {
			for (const gone of removed) this.#note(gone, 0);
		});
		return this.#large;
	}
}
