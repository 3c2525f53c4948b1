import { connect, type Socket } from "node:net";

/**
 * A WebSocket client that does little, so that one process can be thousands of people: no extensions, no fragments, masks
 * of zero (RFC 6455 asks clients for a mask; `ws` and our node spare themselves to take this one off, which for others takes 0.1 µs with a keystroke),
 * and all sockets read into one buffer.
 */
export interface LeanSocketOptions {
	readonly url: string;
	/** Address of this machine to connect from; a machine has only so many ports for each. */
	readonly localAddress?: string;
	readonly onOpen: () => void;
	/** @param message Valid only until this returns. */
	readonly onMessage: (message: Uint8Array) => void;
	/** Called once, whoever closed it, and also when it never opened. @param why For people. */
	readonly onClosed: (why: string) => void;
}

const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const finalBit = 0x80;
const maskBit = 0x80;
const maskBytes = 4;
const endOfHead = "\r\n\r\n";
/** Sockets hand over what they have read before the next one reads. */
const readBuffer = Buffer.allocUnsafe(256 * 1024);

export class LeanSocket {
	readonly #options: LeanSocketOptions;
	readonly #socket: Socket;
	#isOpen = false;
	#why = "the connection ended";
	/** The answer to the handshake, or a frame's header, as far as it is here. */
	#beginning: Buffer | undefined;
	/** A frame that did not come in one piece. */
	#body: { readonly opcode: number; readonly bytes: Buffer; filled: number } | undefined;

	constructor(options: LeanSocketOptions) {
		this.#options = options;
		const { hostname: host, port, pathname, search } = new URL(options.url);
		this.#socket = connect({
			host,
			port: Number(port),
			noDelay: true,
			...(options.localAddress !== undefined && { localAddress: options.localAddress }),
			onread: {
				buffer: readBuffer,
				callback: (length, buffer) => {
					this.#take(Buffer.from(buffer.buffer, buffer.byteOffset, length));
					return true;
				},
			},
		});
		this.#socket.write(
			`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
				`Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13${endOfHead}`,
		);
		this.#socket.on("error", (error) => (this.#why = error.message));
		this.#socket.on("close", () => options.onClosed(this.#why));
	}

	/** @param message Sent as one binary message. */
	send(message: Uint8Array): void {
		this.#socket.write(clientFrame(message));
	}

	/** @param frames Of {@link clientFrame}. */
	write(frames: Uint8Array): void {
		this.#socket.write(frames);
	}

	/** Stops reading: when the buffers of both kernels are full, the server can't send any more. */
	pause(): void {
		this.#socket.pause();
	}

	resume(): void {
		this.#socket.resume();
	}

	/** Says good-bye; the server ends the connection. */
	close(): void {
		this.#socket.write(clientFrame(new Uint8Array(), opcodes.close));
		this.#socket.end();
	}

	/** Ends it at once. */
	terminate(): void {
		this.#why = "we ended it";
		this.#socket.destroy();
	}

	#take(chunk: Buffer): void {
		const beginning = this.#beginning;
		this.#beginning = undefined;
		let rest = beginning === undefined ? chunk : Buffer.concat([beginning, chunk]);
		if (!this.#isOpen) {
			const end = rest.indexOf(endOfHead);
			if (end < 0) {
				this.#beginning = Buffer.from(rest);
				return;
			}
			const [status = ""] = rest.toString("latin1", 0, end).split("\r\n", 1);
			if (!status.includes(" 101 ")) {
				this.#fail(`the server answered: ${status}`);
				return;
			}
			this.#isOpen = true;
			rest = rest.subarray(end + endOfHead.length);
			this.#options.onOpen();
		}
		this.#takeFrames(rest);
	}

	#takeFrames(chunk: Buffer): void {
		let at = 0;
		while (at < chunk.length && !this.#socket.destroyed) {
			const body = this.#body;
			if (body !== undefined) {
				const copied = chunk.copy(body.bytes, body.filled, at);
				body.filled += copied;
				at += copied;
				if (body.filled < body.bytes.length) return;
				this.#body = undefined;
				this.#deliver(body.opcode, body.bytes);
				continue;
			}
			const header = readHeader(chunk, at);
			if (header === undefined) {
				this.#beginning = Buffer.from(chunk.subarray(at));
				return;
			}
			const { opcode, start, length } = header;
			if (start + length <= chunk.length) {
				at = start + length;
				this.#deliver(opcode, chunk.subarray(start, at));
			} else {
				const bytes = Buffer.allocUnsafeSlow(length);
				this.#body = { opcode, bytes, filled: chunk.copy(bytes, 0, start) };
				return;
			}
		}
	}

	#deliver(opcode: number, payload: Buffer): void {
		if (opcode === (finalBit | opcodes.binary)) this.#options.onMessage(payload);
		else if (opcode === (finalBit | opcodes.ping)) this.write(clientFrame(payload, opcodes.pong));
		else if (opcode === (finalBit | opcodes.close)) this.#closedByServer(payload);
		else if (opcode !== (finalBit | opcodes.pong)) this.#fail(`a frame that nobody asked for: ${opcode}`);
	}

	#closedByServer(payload: Buffer): void {
		const said = payload.length < 2 ? "" : `: ${payload.readUInt16BE(0)} ${payload.toString("utf8", 2)}`;
		this.#why = `the server closed the socket${said}`;
		if (!this.#socket.writableEnded) this.close();
	}

	#fail(why: string): void {
		this.#why = why;
		this.#socket.destroy();
	}
}

/** A message as it goes over the socket, to be made once and written often. */
export function clientFrame(payload: Uint8Array, opcode: number = opcodes.binary): Buffer {
	const { byteLength } = payload;
	const lengthBytes = byteLength < 126 ? 0 : byteLength < 65_536 ? 2 : 8;
	const start = 2 + lengthBytes + maskBytes;
	const frame = Buffer.alloc(start + byteLength);
	frame[0] = finalBit | opcode;
	frame[1] = maskBit | (lengthBytes === 0 ? byteLength : lengthBytes === 2 ? 126 : 127);
	if (lengthBytes === 2) frame.writeUInt16BE(byteLength, 2);
	if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(byteLength), 2);
	frame.set(payload, start);
	return frame;
}

interface Header {
	/** With the bit that says that it is a whole message. */
	readonly opcode: number;
	/** Where the payload begins. */
	readonly start: number;
	readonly length: number;
}

/** @returns `undefined` while it is not all here. */
function readHeader(chunk: Buffer, at: number): Header | undefined {
	const opcode = chunk[at];
	const short = chunk[at + 1];
	if (opcode === undefined || short === undefined) return undefined;
	if (short < 126) return { opcode, start: at + 2, length: short };
	if (short === 126) {
		if (chunk.length < at + 4) return undefined;
		return { opcode, start: at + 4, length: chunk.readUInt16BE(at + 2) };
	}
	if (chunk.length < at + 10) return undefined;
	return { opcode, start: at + 10, length: Number(chunk.readBigUInt64BE(at + 2)) };
}
