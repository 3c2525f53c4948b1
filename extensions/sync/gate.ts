import type { Connection, Extension } from "@hocuspocus/server";
import type { StoredDocument } from "../durability/store.ts";

/** What stands between one client's messages and the document, and between an edit and its acknowledgement. */
export interface Gate {
	step1Received(stateVector: Uint8Array): void;
	step1Sent(): void;
	/**
	 * The client has sent an update, which is applied next.
	 * @returns Whether it may be. If not, the gate has ended the client's socket.
	 */
	admit(type: "step2" | "update", update: Uint8Array): boolean;
	/** The oldest update that was admitted has been applied. */
	applied(): void;
	/** The oldest update that was admitted could not be applied, or something that had been waiting for it. */
	failed(): void;
	/** Has acknowledgements sent by `acknowledge` from now on, so many at a time. */
	acknowledgeWith(acknowledge: (count: number) => void): void;
}

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

/** Lets everything in and acknowledges at once, as a stock server does. */
export function openGate(): Gate {
	let acknowledge: (count: number) => void = () => {};
	return {
		step1Received() {},
		step1Sent() {},
		admit: () => true,
		applied: () => acknowledge(1),
		failed: () => acknowledge(1),
		acknowledgeWith(send) {
			acknowledge = send;
		},
	};
}
