import { randomUUID } from "node:crypto";
import type { Hocuspocus } from "@hocuspocus/server";
import { ByAddress } from "./by-address.ts";
import type { ClientSocket, ClientSocketHandlers } from "./client-socket.ts";
import { closeCodes } from "./close-codes.ts";
import { type ClientMessage, nameIn } from "./frames.ts";
import { flattened } from "./kept-text.ts";
import { Visit } from "./visit.ts";

/** What all sessions have in common. */
export interface SessionContext {
	readonly hocuspocus: Hocuspocus;
	/** What may wait of messages for documents that a client has not asked to open, in bytes. */
	readonly earlyBytesMax: number;
	/** A message was thrown away because more was waiting. */
	ignored(): void;
	/** A client that has nothing of a document asks for it, and is let in. */
	asked(session: Session, address: Uint8Array): void;
	ended(session: Session, code: number): void;
}

/**
 * One client, between its socket and the documents that it has open: what Hocuspocus 4.7 has its `ClientConnection` for, with the same
 * hooks in the same order and the same answers. What is needed until a client is let in is gone when it is.
 */
export class Session implements ClientSocketHandlers {
	readonly #context: SessionContext;
	readonly socket: ClientSocket;
	/** What the connection began with. */
	readonly request: Request;
	/** What a trusted proxy calls that. */
	readonly requestName: string | undefined;
	/** What hooks know the connection by. */
	readonly socketId = flattened(randomUUID());
	readonly #visits = new ByAddress<Visit>();

	constructor(
		socket: ClientSocket,
		request: Request,
		requestName: string | undefined,
		context: SessionContext,
	) {
		this.socket = socket;
		this.request = request;
		this.requestName = requestName;
		this.#context = context;
	}

	get hocuspocus(): Hocuspocus {
		return this.#context.hocuspocus;
	}

	message(frame: Uint8Array, { address, kind }: ClientMessage): void {
		const visit = this.#visits.get(address);
		// A provider with a session of its own gets on with a connection without one.
		const connection = visit?.connection ?? this.#visits.get(nameIn(address))?.connection;
		if (connection !== undefined) connection.handleMessage(frame);
		else if (visit?.hasAsked) this.#wait(visit, frame);
		else if (kind === "credentials") void (visit ?? this.#visit(address))?.enter(frame);
		else if (kind !== "leaves") this.#early(visit, address, frame);
		// Kept, its last word would end the document for whoever opens it next on the same socket.
		else if (visit !== undefined) this.#visits.delete(visit);
	}

	asked(address: Uint8Array): void {
		this.#context.asked(this, address);
	}

	close(event: { code: number; reason: string }): void {
		this.#context.ended(this, event.code);
		this.#leave(event);
	}

	/** Of messages for documents that the client is not connected to yet. */
	get waitingBytes(): number {
		return this.#visits.sum(({ waitingBytes }) => waitingBytes);
	}

	#leave(event: { code: number; reason: string }): void {
		this.#visits.each((visit) => {
			visit.connection?.close(event);
			this.#visits.delete(visit);
		});
	}

	/** It is over, or never came to anything. */
	forget(visit: Visit): void {
		this.#visits.delete(visit);
	}

	/** @returns `undefined` when the client has begun too much at once, which ends its connection. */
	#visit(address: string): Visit | undefined {
		const pending = this.#visits.sum(({ isAuthenticated }) => (isAuthenticated ? 0 : 1));
		if (pending >= this.hocuspocus.configuration.maxPendingDocuments) return this.#end();
		const visit = new Visit(this, address);
		this.#visits.add(visit);
		return visit;
	}

	/**
	 * A message for a document that the client has not asked to open. It may still ask; somebody who was let into another document, or was
	 * refused this one and types on, may never do so. A client says what it has when it opens a document: nothing that it has is lost here.
	 */
	#early(known: Visit | undefined, address: string, frame: Uint8Array): void {
		const bytes = this.#visits.sum(({ earlyBytes }) => earlyBytes);
		if (bytes + frame.byteLength > this.#context.earlyBytesMax) {
			this.#context.ignored();
			return;
		}
		const visit = known ?? this.#visit(address);
		if (visit !== undefined) this.#wait(visit, frame);
	}

	/** Until the client is connected to the document. */
	#wait(visit: Visit, frame: Uint8Array): void {
		const { maxUnauthenticatedQueueMessages, maxUnauthenticatedQueueSize } = this.hocuspocus.configuration;
		const messages = this.#visits.sum(({ waitingMessages }) => waitingMessages);
		const bytes = this.waitingBytes + frame.byteLength;
		if (messages + 1 > maxUnauthenticatedQueueMessages || bytes > maxUnauthenticatedQueueSize) this.#end();
		else visit.wait(frame);
	}

	#end(): undefined {
		const { code, reason } = closeCodes.reset;
		this.#leave({ code, reason });
		this.socket.end(closeCodes.reset);
	}
}
