import type { Connection, Document, Extension } from "@hocuspocus/server";
import type { Incoming } from "../durability/wire.ts";

/** What becomes of a message. */
export type Admission =
	| { readonly type: "as-it-is" }
	/** `message` is handled in its place. */
	| { readonly type: "instead"; readonly message: Uint8Array }
	/** `message`, or what stands for it, goes Hocuspocus' own way, which answers that it was refused. */
	| { readonly type: "refused"; readonly message: Uint8Array }
	/** There is nothing left to be handled. */
	| { readonly type: "done" };

/** Sees what clients send to one document before anything else is done with it. */
export interface MessageScreen {
	/** How long an update may take to be applied, in ms; `Infinity` for any time. */
	readonly updateMsMax: number;
	/** An update took longer, and was given up in the transaction that has just ended: the document in memory is not to be trusted any more. */
	tookTooLong(sender: Connection, update: Uint8Array): void;
	/** To apply an update of this sender took so long, in ms; told of those that took more than most. */
	took(sender: Connection, ms: number): void;
	/** All that was admitted has been applied. */
	settled(): void;
	/** @param incoming What the message is. */
	admit(connection: Connection, message: Uint8Array, incoming: Incoming): Admission;
}

/** Makes the screens of a server's documents: the `ContentLimits` of this server. */
export interface Screening {
	/** @param settle Applies what was admitted and waits to be applied. */
	screen(document: Document, settle: () => void): MessageScreen;
}

/** @returns Whoever screens messages on a server that has these extensions. */
export function screeningAmong(extensions: readonly Extension[]): Screening | undefined {
	return extensions.find((extension) => "screen" in extension) as Screening | undefined;
}
