import type { Connection, Extension } from "@hocuspocus/server";
import type { StoredDocument } from "../durability/store.ts";
import type { DecodedUpdate } from "./bounded-apply.ts";

export type Admission = "refused" | Admitted;

export interface Admitted {
	/** Whether the update makes types: {@link Gate.bears} is to be asked. */
	readonly makesTypes: boolean;
	/** The update as the gate has read it, for whoever applies it. */
	readonly decoded: DecodedUpdate | undefined;
	/** So many bytes of it the gate has read; what follows means nothing. */
	readonly readBytes: number;
}

/** What stands between one client's messages and the document, and between an edit and its acknowledgement. */
export interface Gate {
	step1Received(stateVector: Uint8Array): void;
	step1Sent(): void;
	/**
	 * The client has sent an update, which is applied soon.
	 * @param receivedMs When, by the clock of the server's extensions.
	 * @returns `"refused"` when it must not be: the gate has ended the client's socket.
	 */
	admit(type: "step2" | "update", update: Uint8Array, receivedMs: number): Admission;
	/** Whether the document can bear an update that was admitted and is applied next. If not, {@link failed} is to be told. */
	bears(update: Uint8Array, decoded: DecodedUpdate | undefined): boolean;
	/** The oldest update that was admitted has been applied. */
	applied(): void;
	/** The oldest update that was admitted could not be applied, or something that had been waiting for it. */
	failed(): void;
	/** The oldest update that was admitted is refused: its sender is told so. */
	refused(): void;
	/** Has acknowledgements sent by `acknowledge` from now on. */
	acknowledgeWith(acknowledge: Acknowledge): void;
	/** Acknowledgements are on their way. */
	acknowledged(count: number, sinceMs: number | undefined): void;
}

/**
 * Sends acknowledgements, so many at a time.
 * @param sinceMs When the oldest edit of these was received, unless that tells nothing of how long edits take.
 */
export type Acknowledge = (count: number, sinceMs?: number) => void;

/** Where a connection's gate is to be had: the `Durability` of this server. */
export interface Gates {
	/** Has `listener` told what is stored of a document, before that is brought into memory, which waits for it. */
	onStored(listener: (documentName: string, stored: StoredDocument) => Promise<void>): void;
	gateOf(connection: Connection): Gate | undefined;
}

/** @returns The gates of a server that has these extensions. */
export function gatesAmong(extensions: readonly Extension[]): (Extension & Gates) | undefined {
	return extensions.find((extension) => "gateOf" in extension) as (Extension & Gates) | undefined;
}

const unread: Admitted = { makesTypes: false, decoded: undefined, readBytes: 0 };

/** Lets everything in and acknowledges at once, as a stock server does. */
export function openGate(): Gate {
	let acknowledge: Acknowledge = () => {};
	return {
		step1Received() {},
		step1Sent() {},
		admit: () => unread,
		bears: () => true,
		applied: () => acknowledge(1),
		failed: () => acknowledge(1),
		refused() {},
		acknowledgeWith(send) {
			acknowledge = send;
		},
		acknowledged() {},
	};
}
