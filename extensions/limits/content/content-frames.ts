/** Frames that are made here: `varString address, varUint messageType, …` (Hocuspocus 4.7, `OutgoingMessage.ts`; `y-protocols/sync`). */
import * as encoding from "lib0/encoding";
import { type Doc, encodeStateVector } from "yjs";

const messageType = { sync: 0, awareness: 1 } as const;
const syncType = { step1: 0, step2: 1, update: 2 } as const;

function frame(address: string, type: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, address);
		encoding.writeVarUint(encoder, type);
		write(encoder);
	});
}

/** Has a client send all that a document lacks, in a `SyncStep2`. */
export function step1Frame(address: string, document: Doc): Uint8Array {
	return frame(address, messageType.sync, (encoder) => {
		encoding.writeVarUint(encoder, syncType.step1);
		encoding.writeVarUint8Array(encoder, encodeStateVector(document));
	});
}

/**
 * Stands for a `SyncStep2` that is refused and too costly to be read: it has one struct, which no document has, so nobody takes it for
 * one that brings nothing.
 */
export function refusedStep2Frame(address: string): Uint8Array {
	const [client, clock] = [0, 2 ** 52];
	const collected = 0;
	return frame(address, messageType.sync, (encoder) => {
		encoding.writeVarUint(encoder, syncType.step2);
		const update = encoding.encode((content) => {
			for (const number of [1, 1, client, clock]) encoding.writeVarUint(content, number);
			encoding.writeUint8(content, collected);
			encoding.writeVarUint(content, 1);
			encoding.writeVarUint(content, 0);
		});
		encoding.writeVarUint8Array(encoder, update);
	});
}

export function presenceFrame(address: string, update: Uint8Array): Uint8Array {
	return frame(address, messageType.awareness, (encoder) => encoding.writeVarUint8Array(encoder, update));
}
