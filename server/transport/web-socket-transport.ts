import type { Duplex } from "node:stream";
import type { Hocuspocus } from "@hocuspocus/server";
import type { DurabilityLogger } from "../../extensions/durability/index.ts";
import type { Newcomers, Traffic } from "../../extensions/limits/index.ts";
import type { MetricSink } from "../../extensions/metrics/index.ts";
import type { Lobby } from "../../extensions/sync/index.ts";
import { AdmissionDeadline } from "./admission-deadline.ts";
import { noteAddress, type TrustedProxies } from "./client-address.ts";
import { ClientSocket } from "./client-socket.ts";
import { type ClientStream, clientStreamOf } from "./client-stream.ts";
import { closeCodes } from "./close-codes.ts";
import { ConnectionLog } from "./connection-log.ts";
import type { Doorstep } from "./doorstep.ts";
import { documentNameOf } from "./frames.ts";
import { answerHandshake, refuseUpgrade } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { noteTraceParent, requestName } from "./request-name.ts";
import { Session, type SessionContext } from "./session.ts";
import { SocketFigures } from "./socket-figures.ts";
import { nodeName, upgradeHeaders } from "./upgrade-headers.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";
import { toWebRequest } from "./web-request.ts";
import { WebSocketConnection, type WebSocketOptions } from "./web-socket-connection.ts";
import { WrongTokens } from "./wrong-tokens.ts";

export interface WebSocketTransportOptions {
	readonly hocuspocus: Hocuspocus;
	/** Is told of clients that wait for a document. */
	readonly lobby: Lobby;
	readonly frameBytesMax: number;
	readonly documentNameBytesMax: number;
	readonly pingIntervalMs: number;
	/** Time from the handshake until a document must be open, in ms. */
	readonly authTimeoutMs: number;
	readonly trustedProxies: TrustedProxies;
	readonly traffic: Traffic;
	readonly newcomers: Newcomers;
	readonly logger: DurabilityLogger;
	/** Why nobody new can be served now, if so. */
	readonly refusal: () => string | undefined;
}

const sliceMs = 100;
/** How long a client may take to answer that its socket is being closed, while there is no hurry. */
const closeTimeoutMs = 10_000;
/** The same when the node ends. */
const closingHandshakeMs = 2_000;

/** Takes WebSockets from any HTTP server's `upgrade` events and gives each a session with Hocuspocus. */
export class WebSocketTransport {
	readonly #options: WebSocketTransportOptions;
	readonly #socketOptions: WebSocketOptions;
	readonly #wrongProofs = new WrongTokens();
	readonly #heartbeat: Heartbeat;
	readonly #admissions: AdmissionDeadline;
	readonly #sockets = new Set<ClientSocket>();
	readonly #figures = new SocketFigures(this.#sockets);
	readonly #sessions: SessionContext;
	readonly #log: ConnectionLog;
	/** Of this node, in the answer to each upgrade request. */
	readonly name = nodeName();
	/** With it, whoever shows that they know it is told where they seem to come from. */
	adminToken: string | undefined;
	#whenEmpty: (() => void) | undefined;

	constructor(options: WebSocketTransportOptions) {
		this.#options = options;
		const { hocuspocus, newcomers } = options;
		this.#sessions = {
			hocuspocus,
			earlyBytesMax: newcomers.earlyBytesMax,
			ignored: () => newcomers.ignored(),
			asked: ({ socket }, address) => options.lobby.asked(documentNameOf(address), { socket, address }),
			ended: (session, code) => this.#disconnect(session, code),
		};
		this.#heartbeat = new Heartbeat(options.pingIntervalMs);
		this.#admissions = new AdmissionDeadline(options.authTimeoutMs);
		this.#log = new ConnectionLog(options.logger);
		this.#socketOptions = { frameBytesMax: options.frameBytesMax, closeTimeoutMs };
	}

	get connections(): number {
		return this.#sockets.size;
	}

	declareMetrics(sink: MetricSink): void {
		this.#figures.declareMetrics(sink);
	}

	/** For an HTTP server's `upgrade` event, or its {@link Door}. Never throws; what can't be served gets an HTTP error. */
	handleUpgrade(request: UpgradeRequest, socket: Duplex | Doorstep, head: Buffer): void {
		const refusal = this.#options.refusal();
		if (refusal !== undefined) {
			refuseUpgrade(socket, 503, refusal);
			return;
		}
		const { name: node, adminToken } = this;
		const { trustedProxies } = this.#options;
		const about = { node, trustedProxies, adminToken, wrongProofs: this.#wrongProofs };
		const handshake = answerHandshake(request, () => upgradeHeaders(request, about));
		if (handshake.type === "refused") refuseUpgrade(socket, handshake.status, handshake.reason);
		// Gone before it was answered.
		else if (!socket.readable || !socket.writable) socket.destroy();
		else {
			// What is known of whom it is from goes with the socket.
			const webRequest = this.#webRequest(request);
			const name = requestName(request, trustedProxies);
			const stream = clientStreamOf(socket, head);
			stream.write(Buffer.from(handshake.response));
			this.#connect(stream, webRequest, name);
		}
	}

	/** Closes all sockets with 1012, spread over a window, and resolves when the last one is gone. Whoever does not answer is cut off. */
	async drain(windowMs: number): Promise<void> {
		const slices = Math.max(1, Math.ceil(windowMs / sliceMs));
		const waiting = [...this.#sockets];
		const perSlice = Math.ceil(waiting.length / slices);
		while (waiting.length > 0) {
			for (const socket of waiting.splice(0, perSlice)) socket.end(closeCodes.serviceRestart);
			if (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, sliceMs));
		}
		if (this.#sockets.size === 0) return;
		const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
		// A peer that is gone without a word must not hold up the stop.
		const patience = setTimeout(() => this.terminate(), closingHandshakeMs);
		await empty;
		clearTimeout(patience);
	}

	/**
	 * Closes connections that have sent no edit for a time, those that are idle for longest, and has them come back.
	 * @param idleMsMin What is shorter than this is not idle.
	 * @returns How many were closed.
	 */
	shedIdle(connections: number, idleMsMin: number): number {
		const beatsMin = Math.ceil(idleMsMin / this.#options.pingIntervalMs);
		const idle = [...this.#sockets].filter((socket) => socket.isOpen && socket.idleBeats >= beatsMin);
		idle.sort((one, other) => other.idleBeats - one.idleBeats);
		const leaving = idle.slice(0, connections);
		for (const socket of leaving) socket.end(closeCodes.overloaded);
		return leaving.length;
	}

	/** Ends what is left at once. */
	terminate(): void {
		for (const socket of this.#sockets) socket.terminate();
	}

	#webRequest(request: UpgradeRequest): Request {
		const webRequest = toWebRequest(request);
		noteAddress(webRequest, request, this.#options.trustedProxies);
		noteTraceParent(webRequest, request, this.#options.trustedProxies);
		return webRequest;
	}

	#connect(stream: ClientStream, request: Request, name: string | undefined): void {
		const connection = new WebSocketConnection(stream, this.#socketOptions);
		const socket = new ClientSocket(connection, stream, this.#options);
		const session = new Session(socket, request, name, this.#sessions);
		socket.handlers = session;
		this.#sockets.add(socket);
		this.#heartbeat.add(socket);
		this.#admissions.add(socket);
		this.#figures.opened();
		this.#log.opened({ connection: session.socketId, request: session.requestName });
	}

	#disconnect({ socket, socketId, requestName: request }: Session, code: number): void {
		const end = socket.endOf(code);
		this.#sockets.delete(socket);
		this.#figures.ended(socket, end);
		this.#log.ended({ connection: socketId, request }, socket, end);
		this.#heartbeat.remove(socket);
		this.#admissions.remove(socket);
		if (this.#sockets.size === 0) this.#whenEmpty?.();
	}
}
