import type { Connection } from "@hocuspocus/server";
import { decodeUpdate } from "yjs";
import type { DecodedUpdate } from "../sync/bounded-apply.ts";
import type { Acknowledge, Admission, Gate } from "../sync/gate.ts";
import type { CommitLog } from "./commit-log.ts";
import type { DocumentLog, DurabilityListener } from "./document-log.ts";
import { Handshake, quietMs } from "./handshake.ts";
import type { Nesting } from "./nesting.ts";
import { isUnbuildable } from "./unbuilt-documents.ts";
import { hasArrived, isIntegrated, readUpdate, type UpdateEnds, type UpdateRead } from "./update-ends.ts";
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
	readonly nesting: Nesting;
	/** Hears that Yjs has begun a transaction that is not at its end. */
	readonly onUnfinished: () => void;
}

/** An update that was received and not answered yet. */
interface Unanswered {
	readonly ends: UpdateEnds;
	/** When it came; not for one that holds nothing. */
	readonly receivedMs: number | undefined;
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
	readonly #nesting: Nesting;
	readonly #onUnfinished: () => void;
	readonly #handshake: Handshake;
	/** What the client sent that Hocuspocus has not answered yet, in order. */
	readonly #unanswered: Unanswered[] = [];
	#cancelQuiet: (() => void) | undefined;
	#edits = 0;
	readonly #sendNow: (frame: Uint8Array) => void;
	/** Somebody else's way to send acknowledgements. */
	#acknowledgeElsewhere: Acknowledge | undefined;

	private constructor(connection: Connection, { log, commitLog, nesting, onUnfinished }: AckGateOptions) {
		this.#connection = connection;
		this.#log = log;
		this.#commitLog = commitLog;
		this.#nesting = nesting;
		this.#onUnfinished = onUnfinished;
		this.#sendNow = connection.send.bind(connection);
		this.#handshake = new Handshake(connection.providerVersion !== null);
	}

	/** Puts a gate before `connection`. It must not have sent or received anything yet. */
	static install(connection: Connection, options: AckGateOptions): AckGate {
		const { log } = options;
		const gate = new AckGate(connection, options);
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

	/** Edits that the client has sent; what it brought when it joined is none. */
	get edits(): number {
		return this.#edits;
	}

	/** A `SyncStep1`: the client begins anew. */
	step1Received(stateVector: Uint8Array): void {
		this.#handshake.step1Received(stateVector);
		this.#log.forget(this);
		this.#isHeard();
	}

	step1Sent(): void {
		this.#handshake.step1Sent();
	}

	admit(type: "step2" | "update", update: Uint8Array, receivedMs: number): Admission {
		const isEmpty = isEmptyUpdate(update);
		if (!isEmpty && !this.#connection.readOnly && !this.#commitLog.accepting) {
			closeSocket(this.#connection, gateCloseEvents.backlogFull);
			return "refused";
		}
		const read = this.#editReceived(type, update, isEmpty ? undefined : receivedMs);
		if (read !== undefined) return read;
		closeSocket(this.#connection, gateCloseEvents.malformedUpdate);
		return "refused";
	}

	bears(update: Uint8Array, decoded?: DecodedUpdate): boolean {
		return this.#nesting.admits((decoded ?? decodeUpdate(update)).structs);
	}

	applied(): void {
		const unanswered = this.#unanswered.shift();
		if (unanswered !== undefined && !hasArrived(this.#connection.document, unanswered.ends))
			closeSocket(this.#connection, gateCloseEvents.malformedUpdate);
		else this.#hold(this.#handshake.acknowledgementMade(), unanswered?.receivedMs);
	}

	failed(): void {
		const unanswered = this.#unanswered.shift();
		const ends = unanswered?.ends;
		// What failed may be somebody else's, which had been waiting for this one.
		if (ends !== undefined && ends.size > 0 && isIntegrated(this.#connection.document, ends))
			this.#hold(this.#handshake.acknowledgementMade(), unanswered?.receivedMs);
		else closeSocket(this.#connection, gateCloseEvents.malformedUpdate);
	}

	refused(): void {
		this.#unanswered.shift();
		this.#hold(this.#handshake.refusalMade());
	}

	acknowledgeWith(acknowledge: Acknowledge): void {
		this.#acknowledgeElsewhere = acknowledge;
	}

	acknowledged(count: number, sinceMs: number | undefined): void {
		if (sinceMs === undefined) return;
		this.#commitLog.acknowledgements.observe(this.#commitLog.clock.now() - sinceMs, count);
	}

	durable(count: number, sinceMs: number | undefined): void {
		// Sending to a socket that is closing would close the connection here, amid the settling of a commit.
		if (this.#connection.webSocket.readyState !== webSocketOpen) return;
		this.#acknowledge(count, sinceMs);
	}

	#acknowledge(count: number, sinceMs: number | undefined): void {
		if (this.#acknowledgeElsewhere !== undefined) {
			this.#acknowledgeElsewhere(count, sinceMs);
			return;
		}
		const frame = syncStatusFrame(this.#connection.messageAddress);
		for (let sent = 0; sent < count; sent += 1) this.#sendNow(frame);
		this.acknowledged(count, sinceMs);
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
				return this.#isEditLetIn(incoming.type, incoming.payload);
			default:
				return true;
		}
	}

	/** Hocuspocus applies it after what its client has sent before, and does not ask again. */
	#isEditLetIn(type: "step2" | "update", update: Uint8Array): boolean {
		const admission = this.admit(type, update, this.#commitLog.clock.now());
		if (admission === "refused") return false;
		if (!admission.makesTypes || this.bears(update, admission.decoded)) return true;
		closeSocket(this.#connection, gateCloseEvents.malformedUpdate);
		return false;
	}

	/** @returns `undefined` if it is no update. */
	#editReceived(
		type: "step2" | "update",
		update: Uint8Array,
		receivedMs: number | undefined,
	): UpdateRead | undefined {
		let read: UpdateRead;
		try {
			read = readUpdate(update);
		} catch {
			return undefined;
		}
		const { ends } = read;
		this.#unanswered.push({ ends, receivedMs });
		if (type === "step2") this.#handshake.step2Received(update);
		else {
			this.#edits += 1;
			this.#handshake.updateReceived(update);
		}
		this.#isHeard();
		return read;
	}

	#send(frame: Uint8Array, outgoing: Outgoing): void {
		if (outgoing === "acknowledgement") {
			this.applied();
			return;
		}
		this.#sendNow(frame);
		if (outgoing === "step1") this.step1Sent();
		if (outgoing === "refusal") this.refused();
	}

	#hold(count: number, sinceMs?: number): void {
		if (count > 0) this.#release(count, sinceMs);
		if (this.#handshake.unclear > 0)
			this.#cancelQuiet ??= this.#commitLog.clock.after(quietMs, () => this.#releaseUnclear());
	}

	/** The client is not quiet any more. */
	#isHeard(): void {
		this.#cancelQuiet?.();
		this.#cancelQuiet = undefined;
	}

	/** Those that the client may not have counted. Should it send something before they leave, it could take them for that one's. */
	#releaseUnclear(): void {
		const listener: DurabilityListener = {
			durable: () => {
				if (this.#cancelQuiet !== cancel) return;
				this.#cancelQuiet = undefined;
				this.durable(this.#handshake.takeUnclear(), undefined);
			},
			abandoned() {},
		};
		const cancel = () => this.#log.forget(listener);
		this.#cancelQuiet = cancel;
		this.#release(1, undefined, listener);
	}

	#release(count: number, sinceMs?: number, listener: DurabilityListener = this): void {
		// A client that left has stopped counting, or has come back on another connection and begun anew.
		if (!this.#connection.document.hasConnection(this.#connection)) return;
		const { document } = this.#connection;
		// Hocuspocus may unload a document between finding it for a client and connecting the client to it; then nobody
		// listens to what the client writes into it. What deletes tells nothing of whether one that could not be built has it.
		if (document.isDestroyed || isUnbuildable(document)) {
			closeSocket(this.#connection, gateCloseEvents.documentLeft);
			return;
		}
		// Yjs tells of a change at the end of all that goes on in its document, and the log has nothing of it until then.
		if (document._transactionCleanups.length > 0) {
			document.once("afterAllTransactions", () => this.#release(count, sinceMs, listener));
			this.#onUnfinished();
			return;
		}
		// A client may hear that its edits are here because another node has passed them on and not logged them yet.
		this.#commitLog.complete(this.#log);
		this.#log.listen(listener, count, sinceMs);
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
