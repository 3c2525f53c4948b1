/**
 * The little of the Hocuspocus protocol that durability has to recognise in frames that pass by. A frame is
 * `varString address, varUint messageType, …` (`@hocuspocus/server` 4.7, `MessageReceiver.ts` and
 * `OutgoingMessage.ts`); sync messages go on with `varUint syncType, varUint8Array payload` (`y-protocols/sync`). All
 * types are below 128 and take one byte.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

const messageType = { sync: 0, awareness: 1, auth: 2, syncReply: 4, close: 7, syncStatus: 8 } as const;
const syncStep1 = 0;
const permissionDenied = 1;
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
	if (type === messageType.sync && frame[typeAt + 1] === syncStep1) return "step1";
	return "other";
}

/** `SyncStatus(true)`, as Hocuspocus' `OutgoingMessage.writeSyncStatus` makes it. */
export function syncStatusFrame(address: string): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, address);
		encoding.writeVarUint(encoder, messageType.syncStatus);
		encoding.writeVarUint(encoder, 1);
	});
}

/** `PermissionDenied`, as Hocuspocus' `OutgoingMessage.writePermissionDenied` makes it. */
export function permissionDeniedFrame(address: string, reason: string): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, address);
		encoding.writeVarUint(encoder, messageType.auth);
		encoding.writeVarUint(encoder, permissionDenied);
		encoding.writeVarString(encoder, reason);
	});
}

/** What a client's frame means for acknowledgements. Hocuspocus answers `step2` and `update` with a `SyncStatus`. */
export type Incoming =
	/** `payload`: a state vector for `step1`, otherwise a Yjs update. */
	| { readonly type: "step1" | "step2" | "update"; readonly payload: Uint8Array }
	/** `payload`: an awareness update. */
	| { readonly type: "presence"; readonly payload: Uint8Array }
	/** The client leaves the document, not its socket. */
	| { readonly type: "close" }
	| { readonly type: "other" };

const other: Incoming = { type: "other" };
const syncTypes = ["step1", "step2", "update"] as const;

/** Takes a frame that can't be read for `other`: whoever decodes it in earnest says what is wrong with it. */
export function inspectIncoming(frame: Uint8Array): Incoming {
	try {
		const decoder = decoding.createDecoder(frame);
		const addressBytes = decoding.readVarUint(decoder);
		decoder.pos += addressBytes;
		const type = decoding.readVarUint(decoder);
		if (type === messageType.close) return { type: "close" };
		if (type === messageType.awareness)
			return { type: "presence", payload: decoding.readVarUint8Array(decoder) };
		if (type !== messageType.sync && type !== messageType.syncReply) return other;
		const sync = syncTypes[decoding.readVarUint(decoder)];
		return sync === undefined ? other : { type: sync, payload: decoding.readVarUint8Array(decoder) };
	} catch {
		return other;
	}
}

export function isEmptyUpdate(update: Uint8Array): boolean {
	return update.byteLength <= emptyUpdateBytes;
}

/** Whether it is the update that says nothing: no structs, no deletions. It can be read to its end. */
export function holdsNothing(update: Uint8Array): boolean {
	return update.byteLength === emptyUpdateBytes && update[0] === 0 && update[1] === 0;
}
