import { isUtf8 } from "node:buffer";
import { type CloseCode, closeCodes } from "./close-codes.ts";
import { GrowingBytes } from "./growing-bytes.ts";
import { unmask } from "./unmask.ts";

/** Whoever is told what a client has sent. */
export interface WebSocketSink {
	/** Whether it wants more. Once it does not, it never does again. */
	readonly isReading: boolean;
	/** A whole binary message. Its bytes are nobody else's. */
	message(payload: Buffer): void;
	/** Something of a message, whose end is still to come. */
	part(): void;
	ping(payload: Buffer): void;
	pong(): void;
	/** The client closes. @param code 1005 when it gives none. */
	closing(code: number): void;
	/** The client has done what it may not. @param close To be told to it. */
	violated(close: CloseCode): void;
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
export const finalBit = 0x80;
const reservedBits = 0x70;
const maskedBit = 0x80;
const lengthIn16Bits = 126;
/** There was none: it never stands in a frame. */
export const noCode = 1005;
/** What a close, a ping or a pong may carry, in bytes. */
export const controlBytesMax = 125;
const maskBytes = 4;
const twoTo32 = 2 ** 32;

/**
 * Reads the WebSocket frames of a client (RFC 6455, section 5): binary messages, in as many parts as it likes, not compressed. It holds nothing
 * between messages, at most twice of what has come of one, and what comes whole is not copied.
 */
export class WebSocketReader {
	readonly #messageBytesMax: number;
	/** A frame that has begun, from its first byte. */
	#begun: GrowingBytes | undefined;
	/** The parts of a message whose last one has not come. */
	#parts: GrowingBytes | undefined;

	constructor(messageBytesMax: number) {
		this.#messageBytesMax = messageBytesMax;
	}

	/** @param chunk Is changed: nobody else may use it after that. */
	read(chunk: Buffer, sink: WebSocketSink): void {
		let at = this.#begun === undefined ? 0 : this.#goOn(this.#begun, chunk, sink);
		while (at < chunk.byteLength && sink.isReading) {
			const wrong = this.#wrongIn(chunk, at);
			if (wrong !== undefined) {
				sink.violated(wrong);
				return;
			}
			const end = at + expectedBytes(chunk, at);
			if (end > chunk.byteLength) {
				this.#begun = new GrowingBytes(end - at, chunk.subarray(at));
				return;
			}
			this.#take(chunk, at, end, sink);
			at = end;
		}
	}

	/** @returns How much of the chunk belongs to the frame that has begun. */
	#goOn(begun: GrowingBytes, chunk: Buffer, sink: WebSocketSink): number {
		let at = 0;
		for (;;) {
			const wrong = this.#wrongIn(begun.bytes, 0);
			if (wrong !== undefined) {
				sink.violated(wrong);
				return at;
			}
			const expected = expectedBytes(begun.bytes, 0);
			const missing = expected - begun.length;
			if (missing === 0) {
				this.#begun = undefined;
				this.#take(begun.bytes, 0, expected, sink);
				return at;
			}
			if (at === chunk.byteLength) return at;
			const piece = chunk.subarray(at, at + missing);
			begun.append(piece, expected);
			at += piece.byteLength;
		}
	}

	/** What can be seen to be wrong with the frame that begins there, from as much as there is of it. */
	#wrongIn(bytes: Buffer, at: number): CloseCode | undefined {
		const first = bytes[at] ?? 0;
		const opcode = first & 0x0f;
		if ((first & reservedBits) !== 0) return wrong.reservedBits;
		if (opcode === opcodes.text) return closeCodes.unsupportedData;
		if (opcode > opcodes.binary && (opcode < opcodes.close || opcode > opcodes.pong)) return wrong.opcode;
		if (opcode === opcodes.binary && this.#parts !== undefined) return wrong.order;
		if (opcode === opcodes.continuation && this.#parts === undefined) return wrong.order;
		const second = bytes[at + 1];
		if (second === undefined) return undefined;
		if ((second & maskedBit) === 0) return wrong.notMasked;
		if (opcode >= opcodes.close) {
			const length = second - maskedBit;
			if ((first & finalBit) === 0 || length > controlBytesMax) return wrong.control;
			return opcode === opcodes.close && length === 1 ? wrong.closeCode : undefined;
		}
		if (at + headBytes(bytes, at) - maskBytes > bytes.byteLength) return undefined;
		const length = (this.#parts?.length ?? 0) + payloadBytes(bytes, at);
		return length > this.#messageBytesMax ? closeCodes.frameTooBig : undefined;
	}

	/** A whole frame. */
	#take(bytes: Buffer, at: number, end: number, sink: WebSocketSink): void {
		const payloadAt = at + headBytes(bytes, at);
		const payload = bytes.subarray(payloadAt, end);
		unmask(payload, bytes.readInt32BE(payloadAt - maskBytes));
		const first = bytes[at] ?? 0;
		const opcode = first & 0x0f;
		if (opcode === opcodes.binary && (first & finalBit) !== 0) sink.message(payload);
		else if (opcode <= opcodes.binary) this.#part(payload, (first & finalBit) !== 0, sink);
		else if (opcode === opcodes.ping) sink.ping(payload);
		else if (opcode === opcodes.pong) sink.pong();
		else tellClosing(payload, sink);
	}

	#part(payload: Buffer, isLast: boolean, sink: WebSocketSink): void {
		if (this.#parts === undefined) this.#parts = new GrowingBytes(payload.byteLength, payload);
		else this.#parts.append(payload, this.#messageBytesMax);
		if (!isLast) {
			sink.part();
			return;
		}
		const { bytes } = this.#parts;
		this.#parts = undefined;
		sink.message(bytes);
	}
}

/** The frame's length in bytes, as far as it can be known: at least one more than there is as long as there is not all of it. */
function expectedBytes(bytes: Buffer, at: number): number {
	if (bytes.byteLength - at < 2) return 2;
	const head = headBytes(bytes, at);
	return bytes.byteLength - at < head ? head : head + payloadBytes(bytes, at);
}

/** Opcode, length, and mask. */
function headBytes(bytes: Buffer, at: number): number {
	const length = (bytes[at + 1] ?? 0) & 0x7f;
	if (length < lengthIn16Bits) return 6;
	return length === lengthIn16Bits ? 8 : 14;
}

function payloadBytes(bytes: Buffer, at: number): number {
	const length = (bytes[at + 1] ?? 0) & 0x7f;
	if (length < lengthIn16Bits) return length;
	if (length === lengthIn16Bits) return bytes.readUInt16BE(at + 2);
	return bytes.readUInt32BE(at + 2) * twoTo32 + bytes.readUInt32BE(at + 6);
}

function tellClosing(payload: Buffer, sink: WebSocketSink): void {
	const code = codeIn(payload);
	if (code === undefined) sink.violated(wrong.closeCode);
	else if (!isUtf8(payload.subarray(2))) sink.violated(wrong.closeReason);
	else sink.closing(code);
}

function codeIn(payload: Buffer): number | undefined {
	if (payload.byteLength === 0) return noCode;
	const code = payload.readUInt16BE(0);
	return isCloseCode(code) ? code : undefined;
}

/** Whether it may stand in a frame (RFC 6455, section 7.4, and IANA's registry). */
export function isCloseCode(code: number): boolean {
	if (code >= 3000) return code < 5000;
	return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}

const wrong = {
	reservedBits: protocolError("reserved bits are set"),
	opcode: protocolError("unknown opcode"),
	notMasked: protocolError("a frame is not masked"),
	control: protocolError("a control frame is too long, or in parts"),
	order: protocolError("the parts of a message are out of order"),
	closeCode: protocolError("not a close code"),
	closeReason: protocolError("the reason is not UTF-8"),
};

function protocolError(detail: string): CloseCode {
	const { code, reason, retry } = closeCodes.protocolError;
	return { code, reason: `${reason}: ${detail}`, retry };
}
