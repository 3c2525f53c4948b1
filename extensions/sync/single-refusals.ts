import type { Connection } from "@hocuspocus/server";

/**
 * Has a connection be read-only also while `isReadOnly` says so of the message that Hocuspocus is handling; `undefined` stands for
 * none. Hooks and other code may still set `readOnly`, and several may ask for this.
 *
 * That is how single edits are refused: on their way as edits of somebody who may only read, they are answered with
 * `SyncStatus(false)` in their turn, and whoever counts acknowledgements counts right.
 */
export function readOnlyWhile(
	connection: Connection,
	isReadOnly: (message: Uint8Array | undefined) => boolean,
): void {
	const { get, set } = Object.getOwnPropertyDescriptor(connection, "readOnly") ?? {};
	let isForced = connection.readOnly;
	const { messageQueue } = connection as unknown as { readonly messageQueue: readonly Uint8Array[] };
	Object.defineProperty(connection, "readOnly", {
		configurable: true,
		enumerable: true,
		get: () => (get?.call(connection) ?? isForced) || isReadOnly(messageQueue[0]),
		set:
			set ??
			((value: boolean) => {
				isForced = value;
			}),
	});
}

/** Edits that are not to be applied, each a message of its connection. It is for who hands them on to Hocuspocus' own handling of messages. */
export class SingleRefusals {
	readonly #refused = new WeakSet<Uint8Array>();
	readonly #prepared = new WeakSet<Connection>();
	#isLookingPast = false;

	refuse(connection: Connection, message: Uint8Array): void {
		this.#refused.add(message);
		if (this.#prepared.has(connection)) return;
		this.#prepared.add(connection);
		readOnlyWhile(
			connection,
			(handled) => !this.#isLookingPast && handled !== undefined && this.#refused.has(handled),
		);
	}

	/** Whether a connection is read-only for another reason than that a message is being refused. */
	isReadOnly(connection: Connection): boolean {
		this.#isLookingPast = true;
		const { readOnly } = connection;
		this.#isLookingPast = false;
		return readOnly;
	}
}
