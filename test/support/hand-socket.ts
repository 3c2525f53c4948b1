import type { Hocuspocus, WebSocketLike } from "@hocuspocus/server";
import type { PacedSocket, Route } from "../../extensions/sync/index.ts";
import { beginsWith } from "../../server/transport/frames.ts";

const open = 1;
const closed = 3;

/** A client's end of a connection that is no more than function calls: the test decides what happens when. */
export interface HandSocket {
	/** Sends to the server, which handles it at once. */
	send(message: Uint8Array): void;
	/** The client stops reading; what it is sent waits. */
	pause(): void;
	/** Reads what waits, and from then on everything at once. */
	resume(): void;
	hangUp(): void;
	/** With what the server has closed it. */
	readonly closes: readonly { readonly code: number; readonly reason: string }[];
	/** Bytes that wait for the client to read them. */
	readonly waitingBytes: number;
	/** Writes that the server has made: messages, or several at once. */
	readonly writes: number;
}

/** The server's end of it, as of a stock server. */
class PlainEnd implements WebSocketLike {
	readyState = open;
	readonly closes: { code: number; reason: string }[] = [];
	readonly receive: (message: Uint8Array) => void;
	/** Called when the server closes it. */
	closed = () => {};
	writes = 0;
	#waiting: Uint8Array[] | undefined;
	protected waitingBytes = 0;
	drained = new Set<() => void>();

	constructor(receive: (message: Uint8Array) => void) {
		this.receive = receive;
	}

	send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
		this.writes += 1;
		this.deliver(data as Uint8Array);
	}

	close(code = 1005, reason = ""): void {
		if (this.readyState !== open) return;
		this.closes.push({ code, reason });
		this.readyState = closed;
		setImmediate(() => this.closed());
	}

	get waiting(): number {
		return this.waitingBytes;
	}

	pause(): void {
		this.#waiting ??= [];
	}

	resume(): void {
		const messages = this.#waiting ?? [];
		this.#waiting = undefined;
		this.waitingBytes = 0;
		for (const message of messages) this.receive(message);
		const { drained } = this;
		this.drained = new Set();
		for (const listener of drained) listener();
	}

	protected deliver(message: Uint8Array): void {
		if (this.readyState !== open) return;
		if (this.#waiting === undefined) this.receive(message);
		else {
			this.#waiting.push(message.slice());
			this.waitingBytes += message.byteLength;
		}
	}
}

/** As of our own transport. */
class PacedEnd extends PlainEnd implements PacedSocket {
	edits = 0;
	deliveries = 0;
	timesBehind = 0;
	readonly routes: Route[] = [];

	get bufferedBytes(): number {
		return this.waitingBytes;
	}

	sendFramed(frames: Uint8Array): void {
		this.writes += 1;
		for (const message of messagesIn(frames)) this.deliver(message);
	}

	route(route: Route): void {
		this.routes.unshift(route);
	}

	unroute(route: Route): void {
		this.routes.splice(this.routes.indexOf(route), 1);
	}

	onceDrained(listener: () => void): () => void {
		this.drained.add(listener);
		return () => this.drained.delete(listener);
	}
}

export interface HandSocketOptions {
	readonly hocuspocus: Hocuspocus;
	/** Whether it is one of our own transport. */
	readonly isPaced: boolean;
	readonly receive: (message: Uint8Array) => void;
}

export function openHandSocket({ hocuspocus, isPaced, receive }: HandSocketOptions): HandSocket {
	const paced = isPaced ? new PacedEnd(receive) : undefined;
	const end = paced ?? new PlainEnd(receive);
	const server = hocuspocus.handleConnection(end, new Request("http://localhost/"));
	clearInterval(server.pingInterval);
	end.closed = () => server.handleClose(end.closes[0]);
	return {
		send(message) {
			if (end.readyState !== open) return;
			const route = paced?.routes.find(({ address }) => beginsWith(message, address));
			if (route === undefined) server.handleMessage(message);
			else route.receive(message);
		},
		pause: () => end.pause(),
		resume: () => end.resume(),
		hangUp() {
			end.readyState = closed;
			server.handleClose({ code: 1006, reason: "" });
		},
		closes: end.closes,
		get waitingBytes() {
			return end.waiting;
		},
		get writes() {
			return end.writes;
		},
	};
}

/** What is in WebSocket frames as a server writes them (RFC 6455, section 5.2). */
function messagesIn(frames: Uint8Array): Uint8Array[] {
	const bytes = Buffer.from(frames.buffer, frames.byteOffset, frames.byteLength);
	const messages: Uint8Array[] = [];
	for (let at = 0; at < bytes.byteLength; ) {
		const short = bytes.readUInt8(at + 1);
		const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
		const length =
			short < 126
				? short
				: short === 126
					? bytes.readUInt16BE(at + 2)
					: Number(bytes.readBigUInt64BE(at + 2));
		messages.push(bytes.subarray(start, start + length));
		at = start + length;
	}
	return messages;
}
