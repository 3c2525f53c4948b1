/**
 * The little of the Hocuspocus protocol that durability has to recognise in frames that pass by. A frame is
 * `varString address, varUint messageType, …` (`@hocuspocus/server` 4.7, `MessageReceiver.ts` and
 * `OutgoingMessage.ts`); sync messages go on with `varUint syncType, varUint8Array payload` (`y-protocols/sync`). All
 * types are below 128 and take one byte.
 */
import * as decoding from "lib0/decoding";

const messageType = { sync: 0, syncReply: 4, syncStatus: 8 } as const;
const syncType = { step1: 0, step2: 1, update: 2 } as const;
/** An update without structs and deletions is two zero counts. */
const emptyUpdateBytes = 2;

const addressEncoder = new TextEncoder();

/** The length of the address at the head of every frame to a client, in bytes. */
export function addressFieldBytes(address: string): number {
	const addressBytes = addressEncoder.encode(address).byteLength;
	let lengthBytes = 1;
	for (let rest = addressBytes; rest > 127; rest = Math.floor(rest / 128)) lengthBytes += 1;
	return lengthBytes + addressBytes;
}

/** What a frame to a client means for acknowledgements. */
export type Outgoing = "acknowledgement" | "refusal" | "step1" | "other";

/** @param typeAt {@link addressFieldBytes} of the client's address. */
export function inspectOutgoing(frame: Uint8Array, typeAt: number): Outgoing {
	const type = frame[typeAt];
	if (type === messageType.syncStatus) return frame[typeAt + 1] === 1 ? "acknowledgement" : "refusal";
	if (type === messageType.sync && frame[typeAt + 1] === syncType.step1) return "step1";
	return "other";
}

/** What a client's frame means for acknowledgements. Hocuspocus answers the first two with a `SyncStatus`. */
export type Incoming =
	| { readonly type: "step2" | "update"; readonly isEmpty: boolean }
	| { readonly type: "other" };

const other: Incoming = { type: "other" };

/** Takes a frame that can't be read for `other`: whoever decodes it in earnest says what is wrong with it. */
export function inspectIncoming(frame: Uint8Array): Incoming {
	try {
		const decoder = decoding.createDecoder(frame);
		const addressBytes = decoding.readVarUint(decoder);
		decoder.pos += addressBytes;
		const type = decoding.readVarUint(decoder);
		if (type !== messageType.sync && type !== messageType.syncReply) return other;
		const sync = decoding.readVarUint(decoder);
		if (sync !== syncType.step2 && sync !== syncType.update) return other;
		const isEmpty = decoding.readVarUint(decoder) <= emptyUpdateBytes;
		return { type: sync === syncType.step2 ? "step2" : "update", isEmpty };
	} catch {
		return other;
	}
}
