import { channel } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { Doorstep } from "./doorstep.ts";
import type { TcpBinding, TcpHandle } from "./tcp-handle.ts";
import { binding, type CountingServer } from "./tcp-stream.ts";
import { readWebSocketRequest, type UpgradeRequest } from "./upgrade-request.ts";

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
	readonly blockList?: unknown;
	readonly pauseOnConnect?: boolean;
	shouldUpgradeCallback(request: IncomingMessage): boolean;
}

export interface DoorOptions {
	/** Whether nobody else has to be asked about those who come. */
	readonly isOpen: () => boolean;
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
		const read = this.#read.bind(this);
		this.#onRead = function (bytes) {
			read(this, bytes);
		};
		handle.onconnection = (status, connection) => {
			if (status === 0 && connection !== undefined && this.#isOpen()) this.#accept(connection);
			else this.#acceptPlainly.call(handle, status, connection);
		};
	}

	/** From now on all connections are Node.js' HTTP's, those included that have said nothing yet. */
	close(): void {
		this.#handle.onconnection = this.#acceptPlainly;
		clearInterval(this.#looks);
		for (const connection of [...this.#waiting, ...this.#newcomers]) this.#giveUp(connection);
	}

	/** Whether nobody would notice that a connection goes another way. */
	#isOpen(): boolean {
		const server = this.#httpServer;
		const { blockList, pauseOnConnect } = this.#innards;
		return (
			server.listenerCount("connection") === 1 &&
			server.listenerCount("upgrade") === 1 &&
			// Those who trace requests put their own in its place.
			server.emit === EventEmitter.prototype.emit &&
			!connections.hasSubscribers &&
			typeof server.maxConnections !== "number" &&
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
		if (request === undefined || !this.#isWanted(request)) this.#handOver(connection, chunk);
		else this.#options.welcome(request, doorstep, chunk.subarray(request.bytes));
	}

	#isWanted(request: UpgradeRequest): boolean {
		try {
			return Boolean(this.#innards.shouldUpgradeCallback(request as IncomingMessage));
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
		this.#handOver(connection);
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

/**
 * @param httpServer Listens already.
 * @returns `undefined` when it is of a kind, or Node.js of a version, of which too little is known for that: it works without.
 */
export function openDoor(httpServer: Server, options: DoorOptions): Door | undefined {
	const { _handle: handle } = httpServer as unknown as Innards;
	const isPlain = httpServer instanceof process.getBuiltinModule("node:http").Server;
	if (!isPlain || binding === undefined || handle === null || !binding.isTcp(handle)) return undefined;
	return typeof handle.onconnection === "function"
		? new Door(httpServer, handle, binding, options)
		: undefined;
}
