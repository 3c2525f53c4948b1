import { parseUpdateMeta } from "yjs";
import type { StoredDocument } from "../durability/store.ts";
import { step2Body, updateBody } from "./bodies.ts";
import { Bundle } from "./bundle.ts";
import { mergeMany } from "./merge-many.ts";
import type { PacedSocket } from "./paced-socket.ts";

/** A client that was let into a document and has asked for all of it, while it is still being loaded. */
export interface Waiting {
	readonly socket: PacedSocket;
	/** See {@link Bundle}. */
	readonly address: Uint8Array;
}

/** What clients were given of a document before it was in memory. */
export interface EarlyAnswer {
	/** Together all that was stored. */
	readonly updates: readonly Uint8Array[];
	/** Who got them. A socket may have the document under several addresses. */
	readonly given: readonly Waiting[];
}

/** Smaller documents are in memory before it would make a difference. */
const storedBytesMin = 64 * 1024;
/** Updates of so many bytes are not merged with others. */
const largeBytesMin = 16 * 1024;
/** More of them take longer to merge than the document takes to load. */
const logUpdatesMax = 2_000;
/** Clients that wait for one document. All others are answered when it is loaded. */
const waitingMax = 1_000;
/** Documents with somebody who waits; past it, those are looked for that could not be loaded. */
const documentsMax = 100;
/** How long a document waits until what is stored is on its way, in ms: making it keeps the event loop from sending. */
const sendingMs = 20;

const emptyUpdate = new Uint8Array([0, 0]);

/**
 * Where clients wait for a document to be loaded. A large one takes long to build in memory, and until then nothing else is
 * done; who has nothing of it is sent what is stored before that.
 */
export class Lobby {
	readonly #waiting = new Map<string, Waiting[]>();
	readonly #isLoading: (documentName: string) => boolean;

	constructor(isLoading: (documentName: string) => boolean) {
		this.#isLoading = isLoading;
	}

	/** By somebody who has nothing of it, see {@link isOfNobody}. */
	asked(documentName: string, waiting: Waiting): void {
		if (!this.#isLoading(documentName)) return;
		if (this.#waiting.size >= documentsMax) this.#forgetFailed();
		const others = this.#waiting.get(documentName);
		if (others === undefined) this.#waiting.set(documentName, [waiting]);
		else if (others.length < waitingMax) others.push(waiting);
	}

	/** Nobody waits for it any more. */
	close(documentName: string): void {
		this.#waiting.delete(documentName);
	}

	/** Gives everybody who waits what is stored. Resolves when that is on its way. */
	async answer(documentName: string, stored: StoredDocument): Promise<EarlyAnswer | undefined> {
		const given = this.#waiting.get(documentName) ?? [];
		const updates = given.length === 0 ? [] : allOf(stored);
		if (updates.length === 0) return undefined;
		this.#waiting.delete(documentName);
		const bodies = [...updates.map(updateBody), step2Body(emptyUpdate)];
		const shared = new Map<string, Bundle>();
		for (const { socket, address } of given) {
			const key = Buffer.from(address).toString("latin1");
			const bundle = shared.get(key) ?? new Bundle(address, bodies);
			shared.set(key, bundle);
			socket.sendFramed(bundle.framed);
		}
		await Promise.race([Promise.all(given.map(({ socket }) => drained(socket))), elapsed(sendingMs)]);
		return { updates, given };
	}

	/** Those that could not be loaded, which nobody tells of. */
	#forgetFailed(): void {
		for (const documentName of this.#waiting.keys())
			if (!this.#isLoading(documentName)) this.#waiting.delete(documentName);
	}
}

/** @returns The stored state in few updates; none when it is not worth it. */
function allOf({ snapshot, entries }: StoredDocument): Uint8Array[] {
	const log = entries.flatMap(({ updates }) => updates);
	const logBytes = log.reduce((sum, { byteLength }) => sum + byteLength, 0);
	const bytes = (snapshot?.update.byteLength ?? 0) + logBytes;
	if (bytes < storedBytesMin || log.length > logUpdatesMax) return [];
	if (!isAppended(log)) return [];
	const merged = mergeSmall(log);
	return snapshot === undefined ? merged : [snapshot.update, ...merged];
}

/** Merging reads and writes every byte, and large updates are few. */
function mergeSmall(log: readonly Uint8Array[]): Uint8Array[] {
	const few: Uint8Array[] = [];
	let small: Uint8Array[] = [];
	const merge = () => {
		if (small.length > 0) few.push(mergeMany(small));
		small = [];
	};
	for (const update of log) {
		if (update.byteLength < largeBytesMin) small.push(update);
		else {
			merge();
			few.push(update);
		}
	}
	merge();
	return few;
}

/**
 * Whether each client's structs come one after the other. What Yjs has held back is in the log twice, and may be something else by
 * then; of two structs with one number, a merged update has one, and maybe not the one that the document has.
 */
function isAppended(log: readonly Uint8Array[]): boolean {
	const ends = new Map<number, number>();
	for (const update of log) {
		const { from, to } = parseUpdateMeta(update);
		for (const [client, clock] of from) if (clock < (ends.get(client) ?? 0)) return false;
		for (const [client, clock] of to) ends.set(client, clock);
	}
	return true;
}

/** Of somebody who has nothing: no clients. */
export function isOfNobody(stateVector: Uint8Array): boolean {
	return stateVector.byteLength === 1 && stateVector[0] === 0;
}

function drained(socket: PacedSocket): Promise<void> {
	return new Promise((resolve) => socket.onceDrained(resolve));
}

function elapsed(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
