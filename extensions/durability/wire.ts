/**
 * The little of the Hocuspocus protocol that durability has to recognise in frames that pass by. A frame is
 * `varString address, varUint messageType, …` (`@hocuspocus/server` 4.7, `MessageReceiver.ts` and
 * `OutgoingMessage.ts`); all types below 128 take one byte.
 */
import * as decoding from "lib0/decoding";

const messageType = { sync: 0, syncReply: 4, syncStatus: 8 } as const;
/** The message types of `y-protocols/sync` that carry an update. */
const syncType = { syncStep2: 1, update: 2 } as const;
/** An update without structs and deletions is two zero counts. */
const emptyUpdateBytes = 2;

const addressEncoder = new TextEncoder();

/** The length of the frame `SyncStatus(true)` to an address, in bytes. */
export function acknowledgementBytes(address: string): number {
	const addressBytes = addressEncoder.encode(address).byteLength;
	let lengthBytes = 1;
	for (let rest = addressBytes; rest > 127; rest = Math.floor(rest / 128)) lengthBytes += 1;
	return lengthBytes + addressBytes + 2;
}

/**
 * Whether a frame to an address is `SyncStatus(true)`.
 * @param acknowledgementLength {@link acknowledgementBytes} of that address. Every frame to it starts with the same
 * bytes, so the type stands at a fixed place.
 */
export function isAcknowledgement(frame: Uint8Array, acknowledgementLength: number): boolean {
	return (
		frame.byteLength === acknowledgementLength &&
		frame[acknowledgementLength - 2] === messageType.syncStatus &&
		frame[acknowledgementLength - 1] === 1
	);
}

/** Whether a client's frame carries an update with anything in it. A frame that can't be read does not. */
export function carriesUpdate(frame: Uint8Array): boolean {
	try {
		const decoder = decoding.createDecoder(frame);
		const addressBytes = decoding.readVarUint(decoder);
		decoder.pos += addressBytes;
		const type = decoding.readVarUint(decoder);
		if (type !== messageType.sync && type !== messageType.syncReply) return false;
		const sync = decoding.readVarUint(decoder);
		if (sync !== syncType.syncStep2 && sync !== syncType.update) return false;
		return decoding.readVarUint(decoder) > emptyUpdateBytes;
	} catch {
		// Whoever decodes the frame in earnest says what is wrong with it.
		return false;
	}
}
