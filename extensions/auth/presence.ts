import type { Connection, Document } from "@hocuspocus/server";
import { encodeEntry, readPresence, writePresence } from "../sync/presence-entries.ts";
import { type Identity, nobody } from "./verdict.ts";

/** What an awareness update says of one client: `null` when it has left. */
interface Statement {
	readonly clientId: number;
	readonly isPresent: boolean;
}

/** Whether a client may say this. */
export type MaySpeak = (statement: Statement) => boolean;

/**
 * Makes an awareness update tell the truth about who its sender is: `user.id` of every state is what their credentials say, and
 * missing when these don't say it; `user.name` is what they say, if they say it. What the client may not say is left out. Pure.
 * @returns `undefined` when nothing is left.
 * @throws when the update can't be read.
 */
export function stampPresence(
	update: Uint8Array,
	identity: Identity,
	maySpeak: MaySpeak,
): Uint8Array | undefined {
	const entries = readPresence(update).filter(maySpeak);
	if (entries.length === 0) return undefined;
	return writePresence(
		entries.map(({ clientId, clock, state, bytes }) => {
			const truth = stamped(state, identity);
			return truth === state ? bytes : encodeEntry(clientId, clock, truth);
		}),
	);
}

/** @returns The same object when it holds no lie. */
function stamped(state: unknown, { id, name }: Identity): unknown {
	if (!isObject(state)) return state;
	const user = isObject(state.user) ? state.user : {};
	const isTrue = user.id === id && (name === undefined || user.name === name);
	if (isTrue) return state;
	const { id: _claimed, ...rest } = user;
	const known = { ...(id === undefined ? {} : { id }), ...(name === undefined ? {} : { name }) };
	return { ...state, user: { ...rest, ...known } };
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An editor has one. */
const ownedMax = 16;

interface Owner {
	readonly connection: Connection;
	readonly identity: Identity;
}

/**
 * Who speaks for which awareness id of one document: whoever was first, for as long as the connection is there. Only the same person
 * may take it over, as an editor does that comes back before its old connection is known to be dead.
 */
export class PresenceOwners {
	readonly #document: Document;
	readonly #owners = new Map<number, Owner>();
	readonly #owned = new Map<Connection, Set<number>>();

	constructor(document: Document) {
		this.#document = document;
	}

	/** Whether it may; it owns the id then. */
	maySpeak(connection: Connection, identity: Identity, { clientId, isPresent }: Statement): boolean {
		const owner = this.#owners.get(clientId);
		if (owner?.connection === connection) return true;
		// Providers report others as gone when they have not heard of them; the server knows better.
		if (!isPresent) return false;
		if (owner === undefined ? !this.#isFree(clientId, identity) : owner.identity.id !== identity.id)
			return false;
		const owned = this.#owned.get(connection) ?? new Set();
		if (owned.size >= ownedMax) return false;
		if (owner !== undefined) this.#owned.get(owner.connection)?.delete(clientId);
		this.#owned.set(connection, owned.add(clientId));
		this.#owners.set(clientId, { connection, identity });
		return true;
	}

	left(connection: Connection): void {
		for (const clientId of this.#owned.get(connection) ?? []) this.#owners.delete(clientId);
		this.#owned.delete(connection);
	}

	/** Whether nobody speaks for it, also on no other node; or the same person does there. */
	#isFree(clientId: number, { id }: Identity): boolean {
		const state: unknown = this.#document.awareness.getStates().get(clientId);
		if (!isObject(state)) return true;
		return (isObject(state.user) ? state.user.id : nobody.id) === id;
	}
}
