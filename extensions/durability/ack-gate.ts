import type { Connection } from "@hocuspocus/server";
import { applyUpdate } from "yjs";
import type { CommitLog } from "./commit-log.ts";
import type { DocumentLog, DurabilityListener } from "./document-log.ts";
import { Handshake, quietMs } from "./handshake.ts";
import { hasArrived, type UpdateEnds, updateEnds } from "./update-ends.ts";
import {
	addressFieldBytes,
	inspectIncoming,
	inspectOutgoing,
	isEmptyUpdate,
	type Outgoing,
	syncStatusFrame,
} from "./wire.ts";

/** Why the gate ends a client's socket. Both are worth another try, and the provider makes one. */
export const gateCloseEvents = {
	/** RFC 6455's registry: 1013 Try Again Later. */
	backlogFull: { code: 1013, reason: "store-unavailable" },
	/** Hocuspocus would acknowledge an update that can't be applied [TRN5]. */
	malformedUpdate: { code: 4400, reason: "malformed-message" },
	/** Hocuspocus' `ResetConnection`: the client is to connect anew. */
	documentLeft: { code: 4205, reason: "document-unloaded" },
} as const;

export interface AckGateOptions {
	readonly log: DocumentLog;
	readonly commitLog: CommitLog;
	/** Whether an update that is being sent is the connection's own. */
	readonly isEcho: () => boolean;
	/** Whether somebody's hook wants to see messages; then all of them go Hocuspocus' own way. */
	readonly isWatched: () => boolean;
}

/** The code with which Hocuspocus closes a connection at its client's request. */
const leftByItself = 1000;

/**
 * Stands between one client's connection to a document and its socket, and holds each acknowledgement until all that
 * was received before it on that document is durable [DUR1]. Everything else passes at once [DUR2]. While the backlog
 * is full, an update costs its sender the connection [DUR3].
 *
 * It works by replacing `send` and `handleMessage`, public methods of this one `Connection`. So the same gate serves our own
 * transport and a stock Hocuspocus server, and a held acknowledgement holds up nothing that its client sends later,
 * as waiting in the `beforeSync` hook would.
 */
export class AckGate implements DurabilityListener {
	readonly #connection: Connection;
	readonly #log: DocumentLog;
	readonly #commitLog: CommitLog;
	readonly #handshake = new Handshake();
	/** What the client sent that Hocuspocus has not answered yet, in order. */
	readonly #unanswered: UpdateEnds[] = [];
	#cancelQuiet: (() => void) | undefined;
	readonly #sendNow: (frame: Uint8Array) => void;
	/** Every acknowledgement to one connection is the same frame. */
	#acknowledgement: Uint8Array | undefined;

	private constructor(connection: Connection, log: DocumentLog, commitLog: CommitLog) {
		this.#connection = connection;
		this.#log = log;
		this.#commitLog = commitLog;
		this.#sendNow = connection.send.bind(connection);
	}

	/** Puts a gate before `connection`. It must not have sent or received anything yet. */
	static install(connection: Connection, { log, commitLog, isEcho, isWatched }: AckGateOptions): void {
		const gate = new AckGate(connection, log, commitLog);
		const typeAt = addressFieldBytes(connection.messageAddress);
		let isNew = true;
		queueMicrotask(() => {
			isNew = false;
		});
		connection.send = (frame) => {
			// Hocuspocus 4.7 greets a connection before anybody listens for its end, and would end it then and there if its
			// socket has closed by now: the document would never leave memory. It looks again right afterwards.
			if (isNew && connection.webSocket.readyState !== webSocketOpen) return;
			const outgoing = inspectOutgoing(frame, typeAt);
			if (outgoing !== "update" || !isEcho()) gate.#send(frame, outgoing);
		};
		const handleNow = connection.handleMessage.bind(connection);
		connection.handleMessage = (frame) => {
			// It was on its way to this connection when the client left it, and nobody else will answer it.
			if (!connection.document.hasConnection(connection)) {
				closeSocket(connection, gateCloseEvents.documentLeft);
				return;
			}
			const incoming = inspectIncoming(frame);
			if (incoming.type === "close") {
				// At once: Hocuspocus would do it some microtasks later, and give this connection what a client that comes
				// back in the same moment sends first. That client would wait for ever.
				connection.close({ code: leftByItself, reason: "provider_initiated" });
				return;
			}
			const isEdit = incoming.type === "step2" || incoming.type === "update";
			if (isEdit && !isEmptyUpdate(incoming.payload) && !connection.readOnly && !commitLog.accepting) {
				closeSocket(connection, gateCloseEvents.backlogFull);
				return;
			}
			if (incoming.type === "step1") gate.#step1Received(incoming.payload);
			if (isEdit && !gate.#editReceived(incoming.type, incoming.payload)) {
				closeSocket(connection, gateCloseEvents.malformedUpdate);
				return;
			}
			if (incoming.type === "update" && !connection.readOnly && isIdle(connection) && !isWatched()) {
				gate.#apply(incoming.payload);
			} else handleNow(frame);
		};
		connection.onClose((_document, event) => {
			log.forget(gate);
			gate.#cancelQuiet?.();
			// The server ended this client's connection to the document, because of a message that it could not handle or on
			// somebody's request. A provider only comes back, and sends again what was lost, when its socket is closed.
			if (event !== undefined && event.code !== leftByItself) closeSocket(connection, event);
		});
	}

	durable(count: number): void {
		// Sending to a socket that is closing would close the connection here, amid the settling of a commit.
		if (this.#connection.webSocket.readyState !== webSocketOpen) return;
		if (this.#acknowledgement === undefined) return;
		for (let sent = 0; sent < count; sent += 1) this.#sendNow(this.#acknowledgement);
	}

	abandoned(): void {
		// No acknowledgement: the client keeps its edit and sends it again to whoever answers next.
	}

	#step1Received(stateVector: Uint8Array): void {
		this.#handshake.step1Received(stateVector);
		this.#log.forget(this);
	}

	/** @returns Whether it is an update. */
	#editReceived(type: "step2" | "update", update: Uint8Array): boolean {
		let ends: UpdateEnds;
		try {
			ends = updateEnds(update);
		} catch {
			return false;
		}
		this.#unanswered.push(ends);
		if (type === "step2") this.#handshake.step2Received();
		else this.#handshake.updateReceived(ends);
		this.#cancelQuiet?.();
		this.#cancelQuiet = undefined;
		return true;
	}

	/** What Hocuspocus does with an update when nobody watches, in one go: without a queue, promises and encoders. */
	#apply(update: Uint8Array): void {
		const connection = this.#connection;
		try {
			applyUpdate(connection.document, update, { source: "connection", connection });
		} catch (error) {
			// As `y-protocols` does; whether all of it has arrived is checked next.
			console.error("Caught error while handling a Yjs update", error);
		}
		this.#acknowledgement ??= syncStatusFrame(connection.messageAddress);
		this.#send(this.#acknowledgement, "acknowledgement");
	}

	#send(frame: Uint8Array, outgoing: Outgoing): void {
		const ends =
			outgoing === "acknowledgement" || outgoing === "refusal" ? this.#unanswered.shift() : undefined;
		if (outgoing === "acknowledgement") {
			if (ends !== undefined && !hasArrived(this.#connection.document, ends)) {
				closeSocket(this.#connection, gateCloseEvents.malformedUpdate);
				return;
			}
			this.#acknowledgement = frame;
			this.#hold(this.#handshake.acknowledgementMade());
			return;
		}
		this.#sendNow(frame);
		if (outgoing === "step1") this.#handshake.step1Sent();
		if (outgoing === "refusal") this.#hold(this.#handshake.refusalMade());
	}

	#hold(count: number): void {
		if (count > 0) this.#release(count);
		if (this.#handshake.unclear > 0) {
			this.#cancelQuiet ??= this.#commitLog.clock.after(quietMs, () => {
				this.#cancelQuiet = undefined;
				this.#release(this.#handshake.takeUnclear());
			});
		}
	}

	#release(count: number): void {
		// A client that left has stopped counting, or has come back on another connection and begun anew.
		if (!this.#connection.document.hasConnection(this.#connection)) return;
		// Hocuspocus may unload a document between finding it for a client and connecting the client to it; then nobody
		// listens to what the client writes into it.
		if (this.#connection.document.isDestroyed) {
			closeSocket(this.#connection, gateCloseEvents.documentLeft);
			return;
		}
		// A client may hear that its edits are here because another node has passed them on and not logged them yet.
		this.#commitLog.complete(this.#log);
		this.#log.listen(this, count);
	}
}

/** Whether Hocuspocus is not at work on earlier messages of this connection: they must not be overtaken. */
function isIdle(connection: Connection): boolean {
	return (connection as unknown as { readonly messageQueue: readonly unknown[] }).messageQueue.length === 0;
}

const webSocketOpen = 1;

/** Ends the whole socket, not just this document: only that makes a provider connect anew. */
export function closeSocket(connection: Connection, event: { code: number; reason: string }): void {
	if (connection.webSocket.readyState !== webSocketOpen) return;
	// A hook's error may carry a `code` that is no WebSocket's, such as an HTTP status or `ECONNREFUSED`.
	const { code, reason } = isCloseCode(event.code) ? event : gateCloseEvents.documentLeft;
	connection.webSocket.close(code, cutReason(reason));
}

/** Whether an endpoint may close with it (RFC 6455, section 7.4). */
function isCloseCode(code: number): boolean {
	if (!Number.isInteger(code)) return false;
	if (code >= 3000) return code <= 4999;
	return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}

/** What a close frame has room for, which is 123 bytes. */
function cutReason(reason: string): string {
	const bytes = new TextEncoder().encode(reason).subarray(0, 123);
	// As a stream, it leaves out the character that was cut.
	return new TextDecoder().decode(bytes, { stream: true });
}
