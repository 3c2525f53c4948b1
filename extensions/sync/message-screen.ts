import type { Connection, Document, Extension } from "@hocuspocus/server";
import type { Incoming } from "../durability/wire.ts";
import type { Effort } from "./bounded-apply.ts";

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
	/** What may be spent on finding places among others' edits; `undefined` for anything. */
	readonly effort: Effort | undefined;
	/** An update of this sender was stopped where nothing of that was left, and is refused. */
	stopped(sender: Connection): void;
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
