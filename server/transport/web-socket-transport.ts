import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Hocuspocus } from "@hocuspocus/server";
import { type WebSocket, WebSocketServer } from "ws";
import type { DurabilityLogger } from "../../extensions/durability/index.ts";
import type { Newcomers, Traffic } from "../../extensions/limits/index.ts";
import type { MetricSink } from "../../extensions/metrics/index.ts";
import type { Lobby } from "../../extensions/sync/index.ts";
import { retryAfterSeconds } from "../load/retry-after.ts";
import { Client, type ClientContext } from "./client.ts";
import { noteAddress, type TrustedProxies } from "./client-address.ts";
import { ClientSocket } from "./client-socket.ts";
import { closeCodes } from "./close-codes.ts";
import { ConnectionLog } from "./connection-log.ts";
import { documentNameOf } from "./frames.ts";
import { Heartbeat } from "./heartbeat.ts";
import { noteTraceParent, requestName } from "./request-name.ts";
import { SocketFigures } from "./socket-figures.ts";
import { nodeName, upgradeHeaders } from "./upgrade-headers.ts";
import { toWebRequest } from "./web-request.ts";
import { WrongTokens } from "./wrong-tokens.ts";

export interface WebSocketTransportOptions {
	readonly hocuspocus: Hocuspocus;
	/** Is told of clients that wait for a document. */
	readonly lobby: Lobby;
	readonly frameBytesMax: number;
	readonly documentNameBytesMax: number;
	readonly pingIntervalMs: number;
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

/** Takes WebSockets from any HTTP server's `upgrade` events and hands them to Hocuspocus. */
export class WebSocketTransport {
	readonly #options: WebSocketTransportOptions;
	readonly #server: WebSocketServer;
	readonly #heartbeat: Heartbeat;
	readonly #sockets = new Set<ClientSocket>();
	readonly #figures = new SocketFigures(this.#sockets);
	readonly #clients: ClientContext;
	readonly #log: ConnectionLog;
	/** Of this node, in the answer to each upgrade request. */
	readonly name = nodeName();
	/** With it, whoever shows that they know it is told where they seem to come from. */
	adminToken: string | undefined;
	#whenEmpty: (() => void) | undefined;

	constructor(options: WebSocketTransportOptions) {
		this.#options = options;
		this.#clients = {
			asked: ({ socket }, address) => options.lobby.asked(documentNameOf(address), { socket, address }),
			ended: (client, code) => this.#disconnect(client, code),
		};
		this.#heartbeat = new Heartbeat(options.pingIntervalMs);
		this.#log = new ConnectionLog(options.logger);
		this.#server = new WebSocketServer({
			noServer: true,
			clientTracking: false,
			perMessageDeflate: false,
			maxPayload: options.frameBytesMax,
			// @types/ws 8.18 does not know it yet.
			...{ closeTimeout: closeTimeoutMs },
		});
		const { trustedProxies } = options;
		const wrongProofs = new WrongTokens();
		this.#server.on("headers", (headers, request) => {
			const { name: node, adminToken } = this;
			headers.push(...upgradeHeaders(request, { node, trustedProxies, adminToken, wrongProofs }));
		});
	}

	get connections(): number {
		return this.#sockets.size;
	}

	declareMetrics(sink: MetricSink): void {
		this.#figures.declareMetrics(sink);
	}

	/** For an HTTP server's `upgrade` event. Never throws; what can't be served gets an HTTP error. */
	handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		const refusal = this.#options.refusal();
		if (refusal !== undefined) refuseUpgrade(socket, 503, refusal);
		else this.#server.handleUpgrade(request, socket, head, (ws) => this.#connect(ws, socket, request));
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

	#connect(ws: WebSocket, stream: Duplex, request: IncomingMessage): void {
		const { hocuspocus, trustedProxies } = this.#options;
		const socket = new ClientSocket(ws, stream, this.#options);
		const webRequest = toWebRequest(request);
		noteAddress(webRequest, request, trustedProxies);
		noteTraceParent(webRequest, request, trustedProxies);
		const made = hocuspocus.handleConnection(socket, webRequest);
		// Our heartbeat serves all sockets; this would be one timer for each.
		clearInterval(made.pingInterval);
		const client = new Client(socket, made, requestName(request, trustedProxies), this.#clients);
		socket.handlers = client;
		this.#sockets.add(socket);
		this.#heartbeat.add(socket);
		this.#figures.opened();
		this.#log.opened({ connection: client.socketId, request: client.requestName });
	}

	#disconnect({ socket, socketId, requestName: request }: Client, code: number): void {
		const end = socket.endOf(code);
		this.#sockets.delete(socket);
		this.#figures.ended(socket, end);
		this.#log.ended({ connection: socketId, request }, socket, end);
		this.#heartbeat.remove(socket);
		if (this.#sockets.size === 0) this.#whenEmpty?.();
	}
}

/** Answers an upgrade request with an HTTP error, as RFC 6455 section 4.2.2 allows, and ends it. */
export function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
	socket.on("error", () => {});
	// Sockets of Node's HTTP server stay half open for as long as the other side likes.
	socket.once("finish", () => socket.destroy());
	socket.end(
		`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
			`Retry-After: ${retryAfterSeconds(Math.random())}\r\nContent-Length: ${Buffer.byteLength(reason)}\r\n\r\n${reason}`,
	);
}
