import type { Hocuspocus } from "@hocuspocus/server";
import type { ClientSocket, ClientSocketHandlers } from "./client-socket.ts";
import { earlyBytes, forgetEarly, isEarly, waitingBytes } from "./early-messages.ts";
import { type ClientMessage, headOf } from "./frames.ts";
import { tidyConnection } from "./tidy-connection.ts";

/** What Hocuspocus makes of a socket. */
export type HocuspocusClient = ReturnType<Hocuspocus["handleConnection"]>;

/** What all clients have in common. */
export interface ClientContext {
	/** What may wait of messages for documents that a client has not asked to open, in bytes. */
	readonly earlyBytesMax: number;
	/** A message was thrown away because more was waiting. */
	ignored(): void;
	/** A client that has nothing of a document asks for it, and is let in. */
	asked(client: Client, address: Uint8Array): void;
	ended(client: Client, code: number): void;
}

/** One client, between its socket and Hocuspocus. An object and not a few functions, which would take twice the memory. */
export class Client implements ClientSocketHandlers {
	readonly socket: ClientSocket;
	readonly hocuspocus: HocuspocusClient;
	/** What a trusted proxy calls the request that it began with. */
	readonly requestName: string | undefined;
	readonly #context: ClientContext;

	constructor(
		socket: ClientSocket,
		hocuspocus: HocuspocusClient,
		requestName: string | undefined,
		context: ClientContext,
	) {
		this.socket = socket;
		this.hocuspocus = hocuspocus;
		this.requestName = requestName;
		this.#context = context;
	}

	message(frame: Uint8Array): void {
		const head = headOf(frame);
		if (isOfEveryObject(head.name)) acceptAnyDocumentName(this.hocuspocus);
		if (isEarly(this.hocuspocus, head)) this.#early(frame, head);
		else this.hocuspocus.handleMessage(frame);
	}

	/** A client says what it has when it opens a document: nothing that it has is lost here. */
	#early(frame: Uint8Array, { address, kind }: ClientMessage): void {
		if (kind === "leaves") forgetEarly(this.hocuspocus, address);
		else if (earlyBytes(this.hocuspocus) + frame.byteLength > this.#context.earlyBytesMax)
			this.#context.ignored();
		// Of its own: what came in one piece with it is not to wait with it.
		else this.hocuspocus.handleMessage(frame.slice());
	}

	asked(address: Uint8Array): void {
		this.#context.asked(this, address);
	}

	entered(): void {
		// Hocuspocus is not done with it yet, nor are its hooks.
		setImmediate(tidyConnection, this.hocuspocus);
	}

	close(event: { code: number; reason: string }): void {
		this.#context.ended(this, event.code);
		this.hocuspocus.handleClose(event);
	}

	get waitingBytes(): number {
		return waitingBytes(this.hocuspocus);
	}

	/** What Hocuspocus calls it in what it gives to hooks. */
	get socketId(): string {
		return (this.hocuspocus as unknown as { readonly socketId: string }).socketId;
	}
}

/**
 * Hocuspocus 4.7 keeps what it knows of a client's documents in objects under their names, where a document that is
 * called `constructor` or `__proto__` finds something that is not its own. Without a prototype there is nothing to find.
 */
function acceptAnyDocumentName(client: HocuspocusClient): void {
	for (const [field, value] of Object.entries(client)) {
		if (recordsByName.has(field)) Object.setPrototypeOf(value, null);
	}
}

const recordsByName: ReadonlySet<string> = new Set([
	"documentConnections",
	"incomingMessageQueue",
	"incomingMessageQueueBytes",
	"hookPayloads",
]);

/** Whether every object has something of this name. */
function isOfEveryObject(documentName: string): boolean {
	return documentName in Object.prototype;
}
