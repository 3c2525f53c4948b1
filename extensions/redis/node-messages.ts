import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { digestBytes, type FrameWriter, fromHex, type Receipt, readSender, toHex } from "./frames.ts";

/**
 * What nodes say about themselves and about many documents at once, on a channel that only our nodes listen to.
 * Documents go by their key, a hash of the name: names may be long, and whoever does not have the document open
 * need not know it.
 */
export type NodeMessage =
	/** Sent every few seconds. Its number goes up by one, so a missing one shows that messages were lost. */
	| { readonly type: "heartbeat"; readonly beat: number }
	| { readonly type: "goodbye" }
	| { readonly type: "digests"; readonly documents: readonly DocumentDigest[] }
	| { readonly type: "receipts"; readonly documents: readonly DocumentReceipt[] }
	/** What another extension of the server has to say to itself on the other nodes. */
	| { readonly type: "topic"; readonly topic: string; readonly payload: string }
	/** The sender may have missed some of that: what still counts is to be said again. */
	| { readonly type: "topicsMissed" };

export interface DocumentDigest {
	readonly key: string;
	readonly digest: string;
}

export interface DocumentReceipt extends Receipt {
	readonly key: string;
	/** False once the document has left the node's memory: nothing more comes of this stay. */
	readonly isOpen: boolean;
}

/** Documents in one message, at most: one takes 16 to 30 bytes. */
export const documentsPerMessageMax = 1_000;

const kind = { heartbeat: 0, goodbye: 1, digests: 2, receipts: 3, topic: 4, topicsMissed: 5 } as const;

export function encodeNodeMessage(writer: FrameWriter, message: NodeMessage): Buffer {
	return writer.bare((encoder) => {
		encoding.writeVarUint(encoder, kind[message.type]);
		switch (message.type) {
			case "heartbeat":
				encoding.writeVarUint(encoder, message.beat);
				break;
			case "goodbye":
			case "topicsMissed":
				break;
			case "digests":
				for (const { key, digest } of message.documents) {
					encoding.writeUint8Array(encoder, fromHex(key));
					encoding.writeUint8Array(encoder, fromHex(digest));
				}
				break;
			case "receipts":
				for (const { key, stay, sequence, durable, isOpen } of message.documents) {
					encoding.writeUint8Array(encoder, fromHex(key));
					encoding.writeVarUint(encoder, stay);
					encoding.writeVarUint(encoder, sequence);
					encoding.writeVarUint(encoder, durable);
					encoding.writeVarUint(encoder, isOpen ? 1 : 0);
				}
				break;
			case "topic":
				encoding.writeVarString(encoder, message.topic);
				encoding.writeVarString(encoder, message.payload);
		}
	});
}

/**
 * @returns `undefined` for a kind that a later edition may have.
 * @throws when the frame can't be read.
 */
export function decodeNodeMessage(frame: Uint8Array): {
	readonly sender: string;
	readonly message: NodeMessage | undefined;
} {
	const { sender, offset } = readSender(frame);
	const decoder = decoding.createDecoder(frame.subarray(offset));
	return { sender, message: readNodeMessage(decoder) };
}

function readNodeMessage(decoder: decoding.Decoder): NodeMessage | undefined {
	switch (decoding.readVarUint(decoder)) {
		case kind.heartbeat:
			return { type: "heartbeat", beat: decoding.readVarUint(decoder) };
		case kind.goodbye:
			return { type: "goodbye" };
		case kind.topicsMissed:
			return { type: "topicsMissed" };
		case kind.digests: {
			const documents: DocumentDigest[] = [];
			while (decoding.hasContent(decoder))
				documents.push({ key: readHash(decoder), digest: readHash(decoder) });
			return { type: "digests", documents };
		}
		case kind.receipts: {
			const documents: DocumentReceipt[] = [];
			while (decoding.hasContent(decoder)) {
				documents.push({
					key: readHash(decoder),
					stay: decoding.readVarUint(decoder),
					sequence: decoding.readVarUint(decoder),
					durable: decoding.readVarUint(decoder),
					isOpen: decoding.readVarUint(decoder) === 1,
				});
			}
			return { type: "receipts", documents };
		}
		case kind.topic:
			return {
				type: "topic",
				topic: decoding.readVarString(decoder),
				payload: decoding.readVarString(decoder),
			};
		default:
			return undefined;
	}
}

function readHash(decoder: decoding.Decoder): string {
	return toHex(decoding.readUint8Array(decoder, digestBytes));
}
