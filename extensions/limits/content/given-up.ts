import { type Doc, getState, parseUpdateMeta } from "yjs";

/** For how long, in ms. A document that is loaded anew for it has everybody come back, so this must be rare. */
const refusedMs = 10 * 60_000;
const documentsMax = 1_000;
const clientsMax = 1_000;

interface Refusal {
	readonly untilMs: number;
	readonly clients: ReadonlySet<number>;
}

/**
 * Yjs clients of documents whose edits have kept the event loop for too long. A provider comes back with what it has, as often as it is
 * closed: what else it has of these clients is refused for a while. The time is given, in ms since any moment.
 */
export class GivenUp {
	/** Who was added last is last. */
	readonly #refusals = new Map<string, Refusal>();

	/** @param update That was given up. */
	add(documentName: string, update: Uint8Array, nowMs: number): void {
		const before = this.#current(documentName, nowMs)?.clients ?? [];
		const clients = new Set([...clientsOf(update), ...before].slice(0, clientsMax));
		this.#refusals.delete(documentName);
		this.#refusals.set(documentName, { untilMs: nowMs + refusedMs, clients });
		for (const oldest of this.#refusals.keys()) {
			if (this.#refusals.size <= documentsMax) return;
			this.#refusals.delete(oldest);
		}
	}

	/** Whether there is anything that is refused of a document. */
	has(documentName: string, nowMs: number): boolean {
		return this.#current(documentName, nowMs) !== undefined;
	}

	/** Whether an update has something of these clients that the document has not. @throws when it can't be read. */
	refuses(documentName: string, document: Doc, update: Uint8Array, nowMs: number): boolean {
		const { clients } = this.#current(documentName, nowMs) ?? {};
		if (clients === undefined) return false;
		const { to } = parseUpdateMeta(update);
		return [...to].some(([client, clock]) => clients.has(client) && clock > getState(document.store, client));
	}

	#current(documentName: string, nowMs: number): Refusal | undefined {
		const refusal = this.#refusals.get(documentName);
		if (refusal === undefined || refusal.untilMs > nowMs) return refusal;
		this.#refusals.delete(documentName);
		return undefined;
	}
}

function clientsOf(update: Uint8Array): Iterable<number> {
	try {
		return parseUpdateMeta(update).to.keys();
	} catch {
		return [];
	}
}
