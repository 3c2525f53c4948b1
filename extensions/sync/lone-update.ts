import { type Doc, equalDeleteSets, getState, type Transaction } from "yjs";
import type { Admitted } from "./gate.ts";

/** An update that is applied in a transaction of its own, and of which nothing is here yet. */
interface Lone {
	readonly transaction: Transaction;
	readonly update: Uint8Array;
	readonly admitted: Admitted;
	/** Whose structs it holds, and the clock after them; -1 when it only deletes. */
	readonly client: number;
	readonly end: number;
}

/**
 * Yjs encodes what a transaction has changed, for those who listen to `update`, and goes through the clocks of everybody who has ever
 * written in the document for that. Where the change is what one client has just sent, as when people type one at a time, its bytes are
 * there already: the listeners are given those. Whatever else has changed, or waits, or was known, Yjs encodes as ever.
 */
export class LoneUpdates {
	readonly #document: Doc;
	#lone: Lone | undefined;
	/** Those who listen to `update`, while Yjs looks whether there is anybody to encode it for. */
	#told: Set<unknown> | undefined;

	constructor(document: Doc) {
		this.#document = document;
		const emit = document.emit.bind(document);
		document.emit = (name, payload) => {
			// The next that Yjs 13.6 tells, after it has looked: nobody else has seen that they were away.
			if (this.#told !== undefined) this.#comeBack(this.#told);
			emit(name, payload);
			// The last that it tells before it looks.
			if (name === "afterTransactionCleanup" && this.#lone?.transaction === payload[0])
				this.#cleanedUp(this.#lone);
		};
	}

	/** An update is applied next, and nothing else in this transaction. */
	expect(transaction: Transaction, update: Uint8Array, admitted: Admitted): void {
		const { store } = this.#document;
		const { decoded } = admitted;
		this.#lone = undefined;
		if (decoded === undefined || store.pendingStructs !== null || store.pendingDs !== null) return;
		// By a listener of its beginning.
		if (transaction.changed.size > 0 || transaction.deleteSet.clients.size > 0) return;
		const { structs, ds } = decoded;
		const [first] = structs;
		const last = structs.at(-1);
		if (first === undefined || last === undefined) {
			if (ds.clients.size > 0) this.#lone = { transaction, update, admitted, client: -1, end: 0 };
			return;
		}
		const { client, clock } = first.id;
		if (last.id.client !== client || getState(store, client) !== clock) return;
		this.#lone = { transaction, update, admitted, client, end: last.id.clock + last.length };
	}

	/** The transaction is over. */
	forget(): void {
		this.#lone = undefined;
		if (this.#told !== undefined) this.#comeBack(this.#told);
	}

	#cleanedUp(lone: Lone): void {
		this.#lone = undefined;
		const { transaction, update, admitted } = lone;
		if (!this.#isAll(lone)) return;
		// Of its own, without what may come after it: what it arrived with in one piece is not to stay as long.
		const bytes = new Uint8Array(update.subarray(0, admitted.readBytes));
		this.#document.emit("update", [bytes, transaction.origin, this.#document, transaction]);
		const { _observers } = this.#document;
		this.#told = _observers.get("update");
		_observers.delete("update");
	}

	/** Whether the transaction has changed what the update says, and nothing else. */
	#isAll({ transaction, admitted: { decoded }, client, end }: Lone): boolean {
		const { store } = this.#document;
		return (
			decoded !== undefined &&
			store.pendingStructs === null &&
			store.pendingDs === null &&
			(client < 0 || transaction.afterState.get(client) === end) &&
			equalDeleteSets(transaction.deleteSet, decoded.ds)
		);
	}

	#comeBack(told: Set<unknown>): void {
		this.#told = undefined;
		this.#document._observers.set("update", told);
	}
}
