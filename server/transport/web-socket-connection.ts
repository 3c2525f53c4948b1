import { frameBytes, writeFrameHeader } from "../../extensions/sync/index.ts";
import type { ClientStream, StreamHandlers } from "./client-stream.ts";
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
export class WebSocketConnection implements WebSocketSink, StreamHandlers {
	readonly #stream: ClientStream;
	readonly #reader: WebSocketReader;
	readonly #closeTimeoutMs: number;
	/** To be set at once. */
	handlers: WebSocketHandlers | undefined;
	readyState: number = readyStates.open;
	/** Until the client has closed, or what it sends can't be read any more. */
	isReading = true;
	#code = noHandshake;
	#closeTimer: NodeJS.Timeout | undefined;

	/** @param stream On which the handshake is done. */
	constructor(stream: ClientStream, { frameBytesMax, closeTimeoutMs }: WebSocketOptions) {
		this.#stream = stream;
		this.#reader = new WebSocketReader(frameBytesMax);
		this.#closeTimeoutMs = closeTimeoutMs;
		stream.handlers = this;
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
		if (this.isOpen && this.#stream.waitingBytes < unreadBytesMax) {
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

	/** From the stream, as what follows. */
	read(chunk: Buffer): void {
		// What still comes is thrown away, so that the end is seen.
		if (!this.isReading) return;
		const { byteLength } = chunk;
		this.#reader.read(chunk, this);
		this.handlers?.arrived(byteLength);
	}

	/** The client will send nothing more, and has not said so. */
	ended(): void {
		if (this.isOpen) {
			this.readyState = readyStates.closing;
			this.#limitClosing();
		}
		this.isReading = false;
		this.#stream.end();
	}

	gone(): void {
		this.readyState = readyStates.closed;
		this.isReading = false;
		clearTimeout(this.#closeTimer);
		this.handlers?.closed(this.#code);
	}

	#endReading(): void {
		this.isReading = false;
		this.#stream.resume();
	}

	#limitClosing(): void {
		this.#closeTimer = setTimeout(() => this.#stream.destroy(), this.#closeTimeoutMs).unref();
	}
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
