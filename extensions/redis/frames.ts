import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { type SpanContext, spanIdBytes, traceIdBytes } from "../tracing/span.ts";

/**
 * What nodes say about a document, in the frames of `@hocuspocus/extension-redis` 4.7 (`src/Redis.ts`): a byte with the
 * length of the sender's identifier, the identifier, then a Hocuspocus message: the document's name, a type and its
 * payload. After the payload our nodes add a trailer, where a stock node has stopped reading.
 */

/** What an identifier of this dialect begins with. A node that speaks another one is treated as a stock node. */
const dialect = "indelible:";

/** @param random Unique among the nodes of a cluster, ASCII. */
export function nodeIdentifier(random: string): string {
	return dialect + random;
}

/** Whether the sender adds our trailers, logs what its clients write, and notices gaps. */
export function speaksOurDialect(identifier: string): boolean {
	return identifier.startsWith(dialect);
}

/** How far a node is in publishing a document's updates. */
export interface Position {
	/** Which of the node's stays of the document in memory; each counts its updates anew. */
	readonly stay: number;
	/** Number of updates published in this stay. */
	readonly sequence: number;
}

export interface Receipt extends Position {
	/** Updates of this stay that are durable: all up to this one. */
	readonly durable: number;
}

export type DocumentMessage =
	| {
			readonly type: "update";
			readonly update: Uint8Array;
			readonly receipt: Receipt | undefined;
			/** Where the sender traces it, if it does; nodes that know nothing of it have stopped reading. */
			readonly trace: SpanContext | undefined;
	  }
	| {
			readonly type: "step1";
			readonly stateVector: Uint8Array;
			/** Whether the sender wants to be asked in return. */
			readonly asksBack: boolean;
			/** Hash of the sender's state; only our nodes give one. */
			readonly digest: string | undefined;
			readonly position: Position | undefined;
	  }
	| { readonly type: "step2"; readonly update: Uint8Array; readonly position: Position | undefined }
	/** Answers a step1 whose digest is that of the answering node, too. */
	| { readonly type: "same"; readonly position: Position }
	/** Answers a step1 when the difference is too large for Redis: it is in the store. */
	| { readonly type: "stored"; readonly position: Position }
	| {
			readonly type: "awareness";
			readonly update: Uint8Array;
			/** Whether it names everybody who is with the sender; only our nodes say so. */
			readonly isComplete: boolean;
	  }
	| { readonly type: "query-awareness" }
	| { readonly type: "stateless"; readonly payload: string }
	| { readonly type: "unknown" };

/** Hocuspocus' `MessageType`, and two of our own that only ever go to a node of our dialect. */
const messageType = {
	sync: 0,
	awareness: 1,
	queryAwareness: 3,
	syncReply: 4,
	broadcastStateless: 6,
	same: 64,
	stored: 65,
} as const;

/** `y-protocols/sync`. */
const syncType = { step1: 0, step2: 1, update: 2 } as const;

/** Bytes of a digest; in memory it is their hexadecimal text. */
export const digestBytes = 8;

export interface DocumentFrame {
	readonly sender: string;
	readonly documentName: string;
	readonly message: DocumentMessage;
}

/** @returns The sender, and where the message begins. */
export function readSender(frame: Uint8Array): { readonly sender: string; readonly offset: number } {
	const offset = 1 + (frame[0] ?? 0);
	if (frame.length <= offset) throw new RangeError("the frame ends before its message begins");
	return { sender: new TextDecoder().decode(frame.subarray(1, offset)), offset };
}

/** @throws when the frame can't be read. */
export function decodeFrame(frame: Uint8Array): DocumentFrame {
	const { sender, offset } = readSender(frame);
	const decoder = decoding.createDecoder(frame.subarray(offset));
	const documentName = decoding.readVarString(decoder);
	return { sender, documentName, message: readMessage(decoder, speaksOurDialect(sender)) };
}

function readMessage(decoder: decoding.Decoder, isOurs: boolean): DocumentMessage {
	const type = decoding.readVarUint(decoder);
	switch (type) {
		case messageType.sync:
		case messageType.syncReply:
			return readSync(decoder, type === messageType.sync, isOurs);
		case messageType.awareness:
			return readAwareness(decoder, isOurs);
		case messageType.queryAwareness:
			return { type: "query-awareness" };
		case messageType.broadcastStateless:
			return { type: "stateless", payload: decoding.readVarString(decoder) };
		case messageType.same:
			return { type: "same", position: readPosition(decoder) };
		case messageType.stored:
			return { type: "stored", position: readPosition(decoder) };
		default:
			return { type: "unknown" };
	}
}

function readAwareness(decoder: decoding.Decoder, isOurs: boolean): DocumentMessage {
	const update = decoding.readVarUint8Array(decoder);
	const isComplete = isOurs && decoding.hasContent(decoder) && decoding.readVarUint(decoder) === 1;
	return { type: "awareness", update, isComplete };
}

function readSync(decoder: decoding.Decoder, asksBack: boolean, isOurs: boolean): DocumentMessage {
	const type = decoding.readVarUint(decoder);
	const payload = decoding.readVarUint8Array(decoder);
	switch (type) {
		case syncType.step1: {
			const digest = isOurs ? toHex(decoding.readUint8Array(decoder, digestBytes)) : undefined;
			const position = isOurs ? readPosition(decoder) : undefined;
			return { type: "step1", stateVector: payload, asksBack, digest, position };
		}
		case syncType.step2:
			return { type: "step2", update: payload, position: isOurs ? readPosition(decoder) : undefined };
		case syncType.update:
			return {
				type: "update",
				update: payload,
				receipt: isOurs ? readReceipt(decoder) : undefined,
				trace: isOurs ? readTrace(decoder) : undefined,
			};
		default:
			return { type: "unknown" };
	}
}

/** Makes one node's frames. */
export class FrameWriter {
	readonly #head: Uint8Array;

	/** @param identifier At most 255 bytes, because its length is one byte. */
	constructor(identifier: string) {
		const bytes = new TextEncoder().encode(identifier);
		if (bytes.length > 255) throw new RangeError("an identifier has at most 255 bytes");
		this.#head = new Uint8Array([bytes.length, ...bytes]);
	}

	update(documentName: string, update: Uint8Array, receipt: Receipt, trace?: SpanContext): Buffer {
		return this.#frame(documentName, messageType.sync, (encoder) => {
			encoding.writeVarUint(encoder, syncType.update);
			encoding.writeVarUint8Array(encoder, update);
			writePosition(encoder, receipt);
			encoding.writeVarUint(encoder, receipt.durable);
			if (trace !== undefined) encoding.writeUint8Array(encoder, fromHex(trace.traceId + trace.spanId));
		});
	}

	step1(documentName: string, step1: Omit<DocumentMessage & { type: "step1" }, "type">): Buffer {
		const { stateVector, asksBack, digest, position } = step1;
		return this.#frame(documentName, asksBack ? messageType.sync : messageType.syncReply, (encoder) => {
			encoding.writeVarUint(encoder, syncType.step1);
			encoding.writeVarUint8Array(encoder, stateVector);
			if (digest === undefined || position === undefined) return;
			encoding.writeUint8Array(encoder, fromHex(digest));
			writePosition(encoder, position);
		});
	}

	step2(documentName: string, update: Uint8Array, position: Position): Buffer {
		return this.#frame(documentName, messageType.sync, (encoder) => {
			encoding.writeVarUint(encoder, syncType.step2);
			encoding.writeVarUint8Array(encoder, update);
			writePosition(encoder, position);
		});
	}

	same(documentName: string, position: Position): Buffer {
		return this.#frame(documentName, messageType.same, (encoder) => writePosition(encoder, position));
	}

	stored(documentName: string, position: Position): Buffer {
		return this.#frame(documentName, messageType.stored, (encoder) => writePosition(encoder, position));
	}

	/** @param isComplete Whether the update names everybody who is here, so that others forget those whom it does not name. */
	awareness(documentName: string, update: Uint8Array, isComplete = false): Buffer {
		return this.#frame(documentName, messageType.awareness, (encoder) => {
			encoding.writeVarUint8Array(encoder, update);
			if (isComplete) encoding.writeVarUint(encoder, 1);
		});
	}

	queryAwareness(documentName: string): Buffer {
		return this.#frame(documentName, messageType.queryAwareness, () => {});
	}

	stateless(documentName: string, payload: string): Buffer {
		return this.#frame(documentName, messageType.broadcastStateless, (encoder) =>
			encoding.writeVarString(encoder, payload),
		);
	}

	/** A message that is not about one document, see `node-messages.ts`. */
	bare(write: (encoder: encoding.Encoder) => void): Buffer {
		const encoder = encoding.createEncoder();
		encoding.writeUint8Array(encoder, this.#head);
		write(encoder);
		return asBuffer(encoding.toUint8Array(encoder));
	}

	#frame(documentName: string, type: number, write: (encoder: encoding.Encoder) => void): Buffer {
		return this.bare((encoder) => {
			encoding.writeVarString(encoder, documentName);
			encoding.writeVarUint(encoder, type);
			write(encoder);
		});
	}
}

function writePosition(encoder: encoding.Encoder, { stay, sequence }: Position): void {
	encoding.writeVarUint(encoder, stay);
	encoding.writeVarUint(encoder, sequence);
}

function readPosition(decoder: decoding.Decoder): Position {
	return { stay: decoding.readVarUint(decoder), sequence: decoding.readVarUint(decoder) };
}

function readReceipt(decoder: decoding.Decoder): Receipt {
	return { ...readPosition(decoder), durable: decoding.readVarUint(decoder) };
}

function readTrace(decoder: decoding.Decoder): SpanContext | undefined {
	if (decoder.arr.byteLength - decoder.pos < traceIdBytes + spanIdBytes) return undefined;
	const traceId = toHex(decoding.readUint8Array(decoder, traceIdBytes));
	return { traceId, spanId: toHex(decoding.readUint8Array(decoder, spanIdBytes)) };
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
	return Buffer.from(buffer, byteOffset, byteLength);
}

export function toHex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}

export function fromHex(text: string): Uint8Array {
	return Buffer.from(text, "hex");
}
