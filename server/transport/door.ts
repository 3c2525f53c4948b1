import { channel } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Doorstep } from "./doorstep.ts";
import type { TcpBinding, TcpHandle } from "./tcp-handle.ts";
import { binding, type CountingServer } from "./tcp-stream.ts";
import { readWebSocketRequest, type UpgradeRequest, type WebSocketRequest } from "./upgrade-request.ts";

/** What listens: Node.js' own object beneath `net.Server`. */
interface ListeningHandle {
	onconnection(this: ListeningHandle, status: number, connection: TcpHandle | undefined): void;
}

/** What `net.Server` keeps for itself, or does not say that it has. */
interface Innards extends CountingServer {
	readonly _handle: ListeningHandle | null;
	readonly noDelay?: boolean;
	readonly keepAlive?: boolean;
	readonly keepAliveInitialDelay?: number;
	/** Of any type: it is compared as a number. */
	readonly maxConnections?: unknown;
	readonly blockList?: unknown;
	readonly pauseOnConnect?: boolean;
	readonly maxHeaderSize?: number;
	/** Node.js 24 has it since 24.9. */
	shouldUpgradeCallback?(request: UpgradeRequest): boolean;
}

export interface DoorOptions {
	/** Whether nobody else has to be asked about those who come. */
	readonly isOpen: () => boolean;
	/** What the server's `upgrade` events go to otherwise: whoever puts another in its place means to see who comes. */
	readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
	/** Is given whoever asks for a WebSocket. Never throws. @param head What came after the request. */
	readonly welcome: (request: UpgradeRequest, doorstep: Doorstep, head: Buffer) => void;
}

/** Whoever connects and says nothing is left to Node.js' HTTP, which knows how long to wait, after one or two of these. In ms. */
const patienceMs = 1_000;
const connections = channel("net.server.socket");

/**
 * The way in for WebSockets. Of a TCP connection to the HTTP server the first piece is read; when it is a whole request for a WebSocket, the connection gets
 * one. Node.js' HTTP, which makes a socket with two streams, a parser and a message for each that comes, sees it only when it is
 * anything else, and then as if nobody had looked. That is a third of what it takes to let somebody in, and thousands come at once when a node starts again.
 */
export class Door {
	readonly #httpServer: Server;
	readonly #innards: Innards;
	readonly #handle: ListeningHandle;
	readonly #binding: TcpBinding;
	readonly #options: DoorOptions;
	readonly #acceptPlainly: ListeningHandle["onconnection"];
	/** What Node.js' HTTP itself does with a connection. */
	readonly #connect: unknown;
	/** Who has said nothing yet, and has come since the last look; and before it. */
	#newcomers = new Set<TcpHandle>();
	#waiting = new Set<TcpHandle>();
	#looks: NodeJS.Timeout | undefined;
	/** One function for all of them. */
	readonly #onRead: (this: TcpHandle, bytes?: ArrayBuffer) => void;

	constructor(httpServer: Server, handle: ListeningHandle, found: TcpBinding, options: DoorOptions) {
		this.#httpServer = httpServer;
		this.#innards = httpServer as unknown as Innards;
		this.#handle = handle;
		this.#binding = found;
		this.#options = options;
		this.#acceptPlainly = handle.onconnection;
		this.#connect = http().createServer().listeners("connection")[0];
		const read = this.#read.bind(this);
		this.#onRead = function (bytes) {
			read(this, bytes);
		};
		handle.onconnection = (status, connection) => {
			if (status === 0 && connection !== undefined && this.#isOpen()) this.#accept(connection);
			else this.#acceptPlainly.call(handle, status, connection);
		};
	}

	/** From now on all connections are Node.js' HTTP's, those included that have said nothing yet, if it still listens. */
	close(): void {
		this.#handle.onconnection = this.#acceptPlainly;
		clearInterval(this.#looks);
		for (const connection of [...this.#waiting, ...this.#newcomers]) this.#giveUp(connection);
	}

	/** Whether nobody would notice that a connection goes another way. */
	#isOpen(): boolean {
		const server = this.#httpServer;
		const { blockList, pauseOnConnect, maxConnections } = this.#innards;
		return (
			isOnly(server.listeners("connection"), this.#connect) &&
			isOnly(server.listeners("upgrade"), this.#options.upgrade) &&
			// Those who trace requests put their own in its place.
			server.emit === EventEmitter.prototype.emit &&
			!connections.hasSubscribers &&
			(maxConnections === undefined || maxConnections === null) &&
			blockList === undefined &&
			pauseOnConnect !== true &&
			this.#options.isOpen()
		);
	}

	#accept(connection: TcpHandle): void {
		const { noDelay, keepAlive, keepAliveInitialDelay = 0 } = this.#innards;
		if (noDelay) connection.setNoDelay(true);
		if (keepAlive) connection.setKeepAlive(true, keepAliveInitialDelay);
		this.#innards._connections += 1;
		this.#newcomers.add(connection);
		this.#looks ??= setInterval(() => this.#look(), patienceMs).unref();
		connection.onread = this.#onRead;
		connection.readStart();
	}

	#read(connection: TcpHandle, bytes: ArrayBuffer | undefined): void {
		const count = this.#binding.read();
		if (count === 0) return;
		this.#forget(connection);
		if (count < 0 || bytes === undefined) {
			new Doorstep(connection, this.#innards).destroy();
			return;
		}
		const chunk = Buffer.from(bytes, this.#binding.readOffset(), count);
		const doorstep = new Doorstep(connection, this.#innards);
		const request = readWebSocketRequest(chunk.toString("latin1"), doorstep);
		if (request === undefined || !this.#isWanted(request)) {
			this.#handOver(connection, chunk);
			return;
		}
		// A page's pieces may wait for one another.
		if (!this.#innards.noDelay) connection.setNoDelay(true);
		this.#options.welcome(request, doorstep, chunk.subarray(request.bytes));
	}

	/** Whether this server would read all of it, and take it. */
	#isWanted(request: WebSocketRequest): boolean {
		const { maxHeaderSize, shouldUpgradeCallback } = this.#innards;
		const { maxHeadersCount } = this.#httpServer;
		if (request.bytes > (maxHeaderSize || http().maxHeaderSize)) return false;
		if (maxHeadersCount && request.rawHeaders.length > 2 * maxHeadersCount) return false;
		if (shouldUpgradeCallback === undefined) return true;
		try {
			return Boolean(shouldUpgradeCallback.call(this.#httpServer, request));
		} catch {
			return false;
		}
	}

	#look(): void {
		for (const connection of this.#waiting) this.#giveUp(connection);
		this.#waiting = this.#newcomers;
		this.#newcomers = new Set();
		if (this.#waiting.size > 0) return;
		clearInterval(this.#looks);
		this.#looks = undefined;
	}

	/** Nothing has come. */
	#giveUp(connection: TcpHandle): void {
		this.#forget(connection);
		if (this.#innards._handle === this.#handle) this.#handOver(connection);
		// Node.js' HTTP would wait for as long as the other side likes: it looks after nobody any more, and may have closed all that it knew of.
		else new Doorstep(connection, this.#innards).destroy();
	}

	/** From now on it is others' to read from it. */
	#forget(connection: TcpHandle): void {
		connection.readStop();
		if (!this.#newcomers.delete(connection)) this.#waiting.delete(connection);
	}

	/** @param chunk What was read already. */
	#handOver(connection: TcpHandle, chunk?: Buffer): void {
		const server = this.#httpServer;
		this.#innards._connections -= 1;
		let socket: Socket | undefined;
		const note = (made: Socket) => {
			socket = made;
		};
		server.prependOnceListener("connection", note);
		this.#acceptPlainly.call(this.#handle, 0, connection);
		server.off("connection", note);
		if (chunk !== undefined) socket?.unshift(chunk);
	}
}

/** As in node-http.ts. */
function http() {
	return process.getBuiltinModule("node:http");
}

function isOnly(listeners: readonly unknown[], listener: unknown): boolean {
	return listeners.length === 1 && listeners[0] === listener;
}

/**
 * @param httpServer Listens already.
 * @returns `undefined` when it is of a kind, or Node.js of a version, of which too little is known for that: it works without.
 */
export function openDoor(httpServer: Server, options: DoorOptions): Door | undefined {
	const { _handle: handle } = httpServer as unknown as Innards;
	const isPlain = httpServer instanceof http().Server;
	if (!isPlain || binding === undefined || handle === null || !binding.isTcp(handle)) return undefined;
	return typeof handle.onconnection === "function"
		? new Door(httpServer, handle, binding, options)
		: undefined;
}
