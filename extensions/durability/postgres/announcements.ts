import { randomUUID } from "node:crypto";
import { documentKey } from "../storage/checksum.ts";
import type { FollowSignal } from "../store.ts";

/**
 * What nodes tell each other with NOTIFY: which node appended to which documents. The payload is the node's id, `+` if it
 * follows the store or `-` if not, and the documents' keys, 11 letters each; or a star when they are more than fit. Without
 * documents it says that the node is there. Pure.
 */

/** PostgreSQL takes less than 8000 bytes. */
const keysMax = 700;
const keyLetters = 11;
const everything = "*";

/** A channel belongs to a database; stores with other schemas in it have others. */
export function channelOf(schema: string): string {
	return `indelible_${encodeKey(schema)}`;
}

export function newNodeId(): string {
	return randomUUID().slice(0, 8);
}

/** Names whose keys are remembered, at most. */
const rememberedMax = 50_000;
const remembered = new Map<string, string>();

/** As {@link encodeKey}; to hash the names of all open documents for each announcement would take longer than all else. */
function rememberKey(documentName: string): string {
	let key = remembered.get(documentName);
	if (key !== undefined) return key;
	if (remembered.size >= rememberedMax) remembered.clear();
	key = encodeKey(documentName);
	remembered.set(documentName, key);
	return key;
}

function encodeKey(documentName: string): string {
	const bytes = Buffer.alloc(8);
	bytes.writeBigInt64BE(documentKey(documentName));
	return bytes.toString("base64url");
}

/** The documents of appends that were not announced yet: of bounded size, however many there are. */
export class Unannounced {
	#keys = new Set<string>();
	/** Those of the last payload. */
	#taken = new Set<string>();
	#isDue = false;
	#isFollowing = false;

	/** Whether there is something to say. */
	get isDue(): boolean {
		return this.#isDue;
	}

	add(documentNames: Iterable<string>, isFollowing: boolean): void {
		this.#isDue = true;
		this.#isFollowing = isFollowing;
		for (const documentName of documentNames) {
			if (this.#keys.size > keysMax) return;
			this.#keys.add(encodeKey(documentName));
		}
	}

	/** @returns The payload. Nothing is left. */
	take(nodeId: string): string {
		const keys = this.#keys.size > keysMax ? everything : [...this.#keys].join("");
		this.#taken = this.#keys;
		this.#keys = new Set();
		this.#isDue = false;
		return `${nodeId}${this.#isFollowing ? "+" : "-"}${keys}`;
	}

	/** The last payload could not be sent: what it said goes with the next one. */
	giveBack(): void {
		for (const key of this.#taken) this.#keys.add(key);
	}
}

/** @returns `undefined` for a node's own announcement, and for what is none. */
export function readAnnouncement(
	payload: string,
	ownNodeId: string,
): (FollowSignal & { readonly type: "announced" }) | undefined {
	const [, nodeId, follows, keys = ""] = /^([0-9a-f]{8})([+-])(.*)$/.exec(payload) ?? [];
	if (nodeId === undefined || nodeId === ownNodeId) return undefined;
	return { type: "announced", isFollowing: follows === "+", concerns: matcher(keys) };
}

function matcher(keys: string): (documentName: string) => boolean {
	if (keys === everything) return () => true;
	const known = new Set<string>();
	for (let at = 0; at < keys.length; at += keyLetters) known.add(keys.slice(at, at + keyLetters));
	return known.size === 0 ? () => false : (documentName) => known.has(rememberKey(documentName));
}
