import type { Connection } from "@hocuspocus/server";
import * as encoding from "lib0/encoding";
import { inspectIncoming } from "../durability/wire.ts";
import { readOnlyWhile } from "../sync/single-refusals.ts";
import type { Access } from "./access.ts";
import { authCloseEvents, endConnection } from "./end-connection.ts";
import { type MaySpeak, stampPresence } from "./presence.ts";
import { type Addition, rootsTouchedBy } from "./roots-touched.ts";
import type { Identity } from "./verdict.ts";

export interface GuardOptions {
	readonly access: () => Access;
	/** Whom the client's presence is to name; without it nothing is changed. */
	readonly presence: { readonly identity: () => Identity; readonly maySpeak: MaySpeak } | undefined;
	readonly onEditRefused: () => void;
}

/** What was let through and is not in the document yet: it is applied within a turn or two. */
const aheadMax = 10_000;

/**
 * Stands before a connection that may write to some root types only, or whose presence must be true. It replaces
 * `handleMessage` of this one `Connection`, so others pay nothing for it, and it must be the last to do so.
 *
 * An edit that is not allowed goes on its way as an edit of somebody who may only read: whoever handles it asks
 * `connection.readOnly`, and hears yes while it is at this message. So it is refused with `SyncStatus(false)` in its turn, and whoever
 * counts acknowledgements counts right. Whoever asks at another time hears yes as well.
 */
export class Guard {
	readonly #connection: Connection;
	readonly #options: GuardOptions;
	readonly #allowed = new WeakSet<Uint8Array>();
	#entering: Uint8Array | undefined;
	#ahead: readonly Addition[] = [];

	private constructor(connection: Connection, options: GuardOptions) {
		this.#connection = connection;
		this.#options = options;
	}

	static install(connection: Connection, options: GuardOptions): void {
		const guard = new Guard(connection, options);
		const handleNow = connection.handleMessage.bind(connection);
		connection.handleMessage = (frame) => {
			const admitted = guard.#admit(frame);
			if (admitted === undefined) return;
			guard.#entering = admitted;
			try {
				handleNow(admitted);
			} finally {
				guard.#entering = undefined;
			}
		};
		readOnlyWhile(connection, (handled) => guard.#isReadOnly(guard.#entering ?? handled));
	}

	#isReadOnly(message: Uint8Array | undefined): boolean {
		switch (this.#options.access().level) {
			case "write":
				return false;
			case "roots":
				return message === undefined || !this.#allowed.has(message);
			default:
				return true;
		}
	}

	/** @returns The message in its place; `undefined` for none. */
	#admit(frame: Uint8Array): Uint8Array | undefined {
		const incoming = inspectIncoming(frame);
		switch (incoming.type) {
			case "presence":
				return this.#options.presence === undefined ? frame : this.#stamp(frame, incoming.payload);
			case "step2":
			case "update": {
				const access = this.#options.access();
				if (access.level !== "roots") return frame;
				if (this.#mayApply(incoming.payload, access.roots)) this.#allowed.add(frame);
				else this.#options.onEditRefused();
				return frame;
			}
			default:
				return frame;
		}
	}

	#mayApply(update: Uint8Array, allowed: readonly string[]): boolean {
		const { store } = this.#connection.document;
		const isAhead = ({ client, clock, length }: Addition) => {
			const last = store.clients.get(client)?.at(-1);
			return last === undefined || last.id.clock + last.length < clock + length;
		};
		const ahead = this.#ahead.filter(isAhead);
		try {
			const touched = rootsTouchedBy(this.#connection.document, update, ahead);
			if (touched.type === "unknown" || ahead.length + touched.additions.length > aheadMax) return false;
			for (const root of touched.roots) if (!allowed.includes(root)) return false;
			this.#ahead = [...ahead, ...touched.additions];
			return true;
		} catch {
			// Whoever decodes it in earnest would say what is wrong with it; it is not applied in any case.
			return false;
		}
	}

	#stamp(frame: Uint8Array, payload: Uint8Array): Uint8Array | undefined {
		const { presence } = this.#options;
		if (presence === undefined) return frame;
		try {
			const stamped = stampPresence(payload, presence.identity(), presence.maySpeak);
			return stamped === undefined ? undefined : presenceFrame(this.#connection.messageAddress, stamped);
		} catch {
			endConnection(this.#connection, authCloseEvents.malformedMessage);
			return undefined;
		}
	}
}

function presenceFrame(address: string, update: Uint8Array): Uint8Array {
	const awareness = 1;
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, address);
		encoding.writeVarUint(encoder, awareness);
		encoding.writeVarUint8Array(encoder, update);
	});
}
