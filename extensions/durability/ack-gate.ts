import type { Connection } from "@hocuspocus/server";
import type { CommitLog } from "./commit-log.ts";
import type { DocumentLog, DurabilityListener } from "./document-log.ts";
import { acknowledgementBytes, carriesUpdate, isAcknowledgement } from "./wire.ts";

/** Why the gate ends a client's socket. Both are worth another try, and the provider makes one. */
export const gateCloseEvents = {
	/** RFC 6455's registry: 1013 Try Again Later. */
	backlogFull: { code: 1013, reason: "store-unavailable" },
	/** Hocuspocus' `ResetConnection`: the client is to connect anew. */
	documentLeft: { code: 4205, reason: "document-unloaded" },
} as const;

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
	readonly #sendNow: (frame: Uint8Array) => void;
	#acknowledgement: Uint8Array | undefined;

	private constructor(connection: Connection, log: DocumentLog) {
		this.#connection = connection;
		this.#log = log;
		this.#sendNow = connection.send.bind(connection);
	}

	/** Puts a gate before `connection`. It must not have sent anything yet. */
	static install(connection: Connection, log: DocumentLog, commitLog: CommitLog): void {
		const gate = new AckGate(connection, log);
		const acknowledgementLength = acknowledgementBytes(connection.messageAddress);
		connection.send = (frame) => {
			if (isAcknowledgement(frame, acknowledgementLength)) gate.#hold(frame);
			else gate.#sendNow(frame);
		};
		const handleNow = connection.handleMessage.bind(connection);
		connection.handleMessage = (frame) => {
			if (commitLog.accepting || connection.readOnly || !carriesUpdate(frame)) handleNow(frame);
			else closeSocket(connection, gateCloseEvents.backlogFull);
		};
		connection.onClose((_document, event) => {
			log.forget(gate);
			// The server ended this client's connection to the document, because of a message that it could not handle or on
			// somebody's request. A provider only comes back, and sends again what was lost, when its socket is closed.
			if (event !== undefined && event.code !== leftByItself) closeSocket(connection, event);
		});
	}

	#hold(acknowledgement: Uint8Array): void {
		if (this.#connection.document.isDestroyed) {
			// Hocuspocus unloaded the document between finding it for this client and connecting the client to it, so
			// nobody listens to what the client writes into it.
			closeSocket(this.#connection, gateCloseEvents.documentLeft);
			return;
		}
		// Every acknowledgement to one connection is the same frame.
		this.#acknowledgement = acknowledgement;
		this.#log.listen(this);
	}

	durable(count: number): void {
		if (this.#acknowledgement === undefined) return;
		for (let sent = 0; sent < count; sent += 1) this.#sendNow(this.#acknowledgement);
	}

	abandoned(): void {
		// No acknowledgement: the client keeps its edit and sends it again to whoever answers next.
	}
}

const webSocketOpen = 1;

/** Ends the whole socket, not just this document: only that makes a provider connect anew. */
export function closeSocket(
	connection: Connection,
	{ code, reason }: { code: number; reason: string },
): void {
	if (connection.webSocket.readyState === webSocketOpen) connection.webSocket.close(code, reason);
}
