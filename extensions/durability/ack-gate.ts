import type { Connection } from "@hocuspocus/server";
import type { Gate } from "../sync/gate.ts";
import type { CommitLog } from "./commit-log.ts";
import type { DocumentLog, DurabilityListener } from "./document-log.ts";
import { Handshake, quietMs } from "./handshake.ts";
import { hasArrived, isIntegrated, type UpdateEnds, updateEnds } from "./update-ends.ts";
import {
	addressFieldBytes,
	type Incoming,
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
export class AckGate implements DurabilityListener, Gate {
	readonly #connection: Connection;
	readonly #log: DocumentLog;
	readonly #commitLog: CommitLog;
	readonly #handshake = new Handshake();
	/** What the client sent that Hocuspocus has not answered yet, in order. */
	readonly #unanswered: UpdateEnds[] = [];
	#cancelQuiet: (() => void) | undefined;
	readonly #sendNow: (frame: Uint8Array) => void;
	#acknowledge: (count: number) => void;

	private constructor(connection: Connection, log: DocumentLog, commitLog: CommitLog) {
		this.#connection = connection;
		this.#log = log;
		this.#commitLog = commitLog;
		this.#sendNow = connection.send.bind(connection);
		this.#acknowledge = (count) => {
			const frame = syncStatusFrame(connection.messageAddress);
			for (let sent = 0; sent < count; sent += 1) this.#sendNow(frame);
		};
	}

	/** Puts a gate before `connection`. It must not have sent or received anything yet. */
	static install(connection: Connection, { log, commitLog }: AckGateOptions): AckGate {
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
			gate.#send(frame, inspectOutgoing(frame, typeAt));
		};
		const handleNow = connection.handleMessage.bind(connection);
		connection.handleMessage = (frame) => {
			if (gate.#isLetIn(inspectIncoming(frame))) handleNow(frame);
		};
		connection.onClose((_document, event) => {
			log.forget(gate);
			gate.#cancelQuiet?.();
			// The server ended this client's connection to the document, because of a message that it could not handle or on
			// somebody's request. A provider only comes back, and sends again what was lost, when its socket is closed.
			if (event !== undefined && event.code !== leftByItself) closeSocket(connection, event);
		});
		return gate;
	}

	/** A `SyncStep1`: the client begins anew. */
	step1Received(stateVector: Uint8Array): void {
		this.#handshake.step1Received(stateVector);
		this.#log.forget(this);
	}

	step1Sent(): void {
		this.#handshake.step1Sent();
	}

	admit(type: "step2" | "update", update: Uint8Array): boolean {
		if (!isEmptyUpdate(update) && !this.#connection.readOnly && !this.#commitLog.accepting) {
			closeSocket(this.#connection, gateCloseEvents.backlogFull);
			return false;
		}
		if (this.#editReceived(type, update)) return true;
		closeSocket(this.#connection, gateCloseEvents.malformedUpdate);
		return false;
	}

	applied(): void {
		const ends = this.#unanswered.shift();
		if (ends !== undefined && !hasArrived(this.#connection.document, ends))
			closeSocket(this.#connection, gateCloseEvents.malformedUpdate);
		else this.#hold(this.#handshake.acknowledgementMade());
	}

	failed(): void {
		const ends = this.#unanswered.shift();
		// What failed may be somebody else's, which had been waiting for this one.
		if (ends !== undefined && ends.size > 0 && isIntegrated(this.#connection.document, ends))
			this.#hold(this.#handshake.acknowledgementMade());
		else closeSocket(this.#connection, gateCloseEvents.malformedUpdate);
	}

	acknowledgeWith(acknowledge: (count: number) => void): void {
		this.#acknowledge = acknowledge;
	}

	durable(count: number): void {
		// Sending to a socket that is closing would close the connection here, amid the settling of a commit.
		if (this.#connection.webSocket.readyState !== webSocketOpen) return;
		this.#acknowledge(count);
	}

	abandoned(): void {
		// No acknowledgement: the client keeps its edit and sends it again to whoever answers next.
	}

	/** @returns Whether Hocuspocus is to handle a message that comes from the client. */
	#isLetIn(incoming: Incoming): boolean {
		const connection = this.#connection;
		// It was on its way to this connection when the client left it, and nobody else will answer it.
		if (!connection.document.hasConnection(connection)) {
			closeSocket(connection, gateCloseEvents.documentLeft);
			return false;
		}
		switch (incoming.type) {
			case "close":
				// At once: Hocuspocus would do it some microtasks later, and give this connection what a client that comes
				// back in the same moment sends first. That client would wait for ever.
				connection.close({ code: leftByItself, reason: "provider_initiated" });
				return false;
			case "step1":
				this.step1Received(incoming.payload);
				return true;
			case "step2":
			case "update":
				return this.admit(incoming.type, incoming.payload);
			default:
				return true;
		}
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

	#send(frame: Uint8Array, outgoing: Outgoing): void {
		if (outgoing === "acknowledgement") {
			this.applied();
			return;
		}
		this.#sendNow(frame);
		if (outgoing === "step1") this.step1Sent();
		if (outgoing !== "refusal") return;
		this.#unanswered.shift();
		this.#hold(this.#handshake.refusalMade());
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
		// Yjs tells of a change at the end of all that goes on in its document, and the log has nothing of it until then.
		if (this.#connection.document._transactionCleanups.length > 0) {
			this.#connection.document.once("afterAllTransactions", () => this.#release(count));
			return;
		}
		// A client may hear that its edits are here because another node has passed them on and not logged them yet.
		this.#commitLog.complete(this.#log);
		this.#log.listen(this, count);
	}
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
