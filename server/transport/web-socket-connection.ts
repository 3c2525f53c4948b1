import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { frameBytes, writeFrameHeader } from "../../extensions/sync/index.ts";
import type { CloseCode } from "./close-codes.ts";
import {
	controlBytesMax,
	finalBit,
	isCloseCode,
	noCode,
	opcodes,
	WebSocketReader,
	type WebSocketSink,
} from "./web-socket-reader.ts";

export interface WebSocketOptions {
	/** What a client may send as one message, in bytes. */
	readonly frameBytesMax: number;
	/** How long a client may take to answer that the connection is being closed, in ms. */
	readonly closeTimeoutMs: number;
}

/** Whoever is told what happens on a connection. */
export interface WebSocketHandlers {
	/** So many bytes have come, framing included; what was in them was told before. */
	arrived(bytes: number): void;
	/** The bytes are theirs. */
	received(message: Buffer): void;
	/** A frame that is no message: a ping, a pong, or a part of a message whose end is still to come. */
	signOfLife(): void;
	/** The client has done what it may not; the connection is being closed for that. */
	violated(close: CloseCode): void;
	/** Called once, at the end. @param code 1005 when the client gave none, 1006 when there was no closing handshake. */
	closed(code: number): void;
}

/** As browsers number them. */
const readyStates = { open: 1, closing: 2, closed: 3 } as const;

const noHandshake = 1006;
const internalError = 1011;
/** As long as so much waits for a client to read it, its pings are not answered: it does not listen. */
const unreadBytesMax = 16 * 1024;

/**
 * The server's end of a WebSocket (RFC 6455): binary messages, without compression. Two small objects, and no timer unless it is closing.
 * Nothing that a client sends makes it throw [TRN5].
 */
export class WebSocketConnection implements WebSocketSink {
	readonly #stream: Duplex;
	readonly #reader: WebSocketReader;
	readonly #closeTimeoutMs: number;
	/** To be set at once. */
	handlers: WebSocketHandlers | undefined;
	readyState: number = readyStates.open;
	/** Until the client has closed, or what it sends can't be read any more. */
	isReading = true;
	#code = noHandshake;
	#closeTimer: NodeJS.Timeout | undefined;

	/**
	 * @param stream On which the handshake is done.
	 * @param head What came after it already.
	 */
	constructor(stream: Duplex, head: Buffer, { frameBytesMax, closeTimeoutMs }: WebSocketOptions) {
		this.#stream = stream;
		this.#reader = new WebSocketReader(frameBytesMax);
		this.#closeTimeoutMs = closeTimeoutMs;
		const socket = stream as Partial<Socket>;
		socket.setTimeout?.(0);
		socket.setNoDelay?.();
		(stream as Owned)[owner] = this;
		if (head.byteLength > 0) stream.unshift(head);
		stream.on("close", onClose);
		stream.on("data", onData);
		stream.on("end", onEnd);
		stream.on("error", onError);
	}

	get isOpen(): boolean {
		return this.readyState === readyStates.open;
	}

	/** Sends one message. Does nothing unless the connection is open. */
	send(message: Uint8Array): void {
		if (!this.isOpen) return;
		const frame = Buffer.allocUnsafe(frameBytes(message.byteLength));
		frame.set(message, writeFrameHeader(frame, 0, message.byteLength));
		this.#stream.write(frame);
	}

	/** Sends whole frames. Does nothing unless the connection is open. */
	sendFramed(frames: Uint8Array): void {
		if (this.isOpen) this.#stream.write(frames);
	}

	sendPing(): void {
		this.sendFramed(emptyPing);
	}

	/** Nothing is read, and the client gets to feel it, until {@link resume}. */
	pause(): void {
		if (this.isReading) this.#stream.pause();
	}

	resume(): void {
		this.#stream.resume();
	}

	/**
	 * Begins the closing handshake, unless it has begun. Does not throw.
	 * @param code 1005 for none.
	 * @param reason The first 123 bytes of it are sent.
	 */
	close(code = noCode, reason = ""): void {
		if (!this.isOpen) return;
		this.readyState = readyStates.closing;
		this.#stream.write(closeFrame(code, reason));
		this.#limitClosing();
	}

	/** Without a closing handshake. */
	terminate(): void {
		if (this.readyState === readyStates.closed) return;
		this.readyState = readyStates.closing;
		this.isReading = false;
		this.#stream.destroy();
	}

	message(payload: Buffer): void {
		this.handlers?.received(payload);
	}

	part(): void {
		this.handlers?.signOfLife();
	}

	ping(payload: Buffer): void {
		if (this.isOpen && this.#stream.writableLength < unreadBytesMax) {
			this.#stream.write(controlFrame(opcodes.pong, payload));
		}
		this.handlers?.signOfLife();
	}

	pong(): void {
		this.handlers?.signOfLife();
	}

	closing(code: number): void {
		this.#code = code;
		// What it was closed with is said back.
		this.close(code);
		this.#endReading();
		this.#stream.end();
	}

	violated(close: CloseCode): void {
		this.handlers?.violated(close);
		this.close(close.code, close.reason);
		this.#endReading();
	}

	/** For the stream's `data`. */
	read(chunk: Buffer): void {
		const { byteLength } = chunk;
		this.#reader.read(chunk, this);
		this.handlers?.arrived(byteLength);
	}

	/** For the stream's `end`: the client will send nothing more, and has not said so. */
	ended(): void {
		if (this.isOpen) {
			this.readyState = readyStates.closing;
			this.#limitClosing();
		}
		this.isReading = false;
		this.#stream.end();
	}

	/** For the stream's `close`. */
	gone(): void {
		this.readyState = readyStates.closed;
		this.isReading = false;
		clearTimeout(this.#closeTimer);
		this.handlers?.closed(this.#code);
	}

	/** What still comes is thrown away, so that the end is seen. */
	#endReading(): void {
		this.isReading = false;
		this.#stream.off("data", onData);
		process.nextTick(resume, this.#stream);
	}

	#limitClosing(): void {
		this.#closeTimer = setTimeout(() => this.#stream.destroy(), this.#closeTimeoutMs).unref();
	}
}

/** Whose a stream is. The listeners are made once: for each connection anew, they would be the half of what it takes. */
const owner = Symbol("WebSocket connection");

interface Owned {
	[owner]?: WebSocketConnection;
}

function onClose(this: object): void {
	(this as Owned)[owner]?.gone();
}

function onData(this: object, chunk: Buffer): void {
	(this as Owned)[owner]?.read(chunk);
}

function onEnd(this: object): void {
	(this as Owned)[owner]?.ended();
}

/** What is wrong with a stream ends it, and `close` follows. */
function onError(): void {}

function resume(stream: Duplex): void {
	stream.resume();
}

function closeFrame(code: number, reason: string): Buffer {
	if (code === noCode) return controlFrame(opcodes.close, Buffer.alloc(0));
	const payload = Buffer.allocUnsafe(controlBytesMax);
	payload.writeUInt16BE(isCloseCode(code) ? code : internalError);
	// Never ends in the middle of a character.
	const { written } = new TextEncoder().encodeInto(reason, payload.subarray(2));
	return controlFrame(opcodes.close, payload.subarray(0, 2 + written));
}

/** @param payload Of at most 125 bytes. */
function controlFrame(opcode: number, payload: Uint8Array): Buffer {
	const frame = Buffer.allocUnsafe(2 + payload.byteLength);
	frame[0] = finalBit | opcode;
	frame[1] = payload.byteLength;
	frame.set(payload, 2);
	return frame;
}

const emptyPing = controlFrame(opcodes.ping, Buffer.alloc(0));
