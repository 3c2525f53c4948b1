/**
 * What a Hocuspocus message (`@hocuspocus/server` 4.7, `OutgoingMessage.ts`; `y-protocols/sync`) holds after its address.
 */
import * as encoding from "lib0/encoding";
import { varintBytes, writeVarint } from "../durability/storage/framing.ts";
import type { Body } from "./bundle.ts";

const messageType = { sync: 0, awareness: 1, syncStatus: 8 } as const;
const syncType = { step1: 0, step2: 1, update: 2 } as const;

export function addressField(address: string): Uint8Array {
	return encoding.encode((encoder) => encoding.writeVarString(encoder, address));
}

/** A client is to send what this state vector does not know. */
export function step1Body(stateVector: Uint8Array): Body {
	return syncBody(syncType.step1, stateVector);
}

/** The answer to a client's `SyncStep1`: from then on it is in step. */
export function step2Body(update: Uint8Array): Body {
	return syncBody(syncType.step2, update);
}

export function updateBody(update: Uint8Array): Body {
	return syncBody(syncType.update, update);
}

/** @param update As `y-protocols/awareness` makes it. */
export function awarenessBody(update: Uint8Array): Body {
	return encoding.encode((encoder) => {
		encoding.writeVarUint(encoder, messageType.awareness);
		encoding.writeVarUint8Array(encoder, update);
	});
}

/** `SyncStatus(true)` */
export const acknowledgementBody: Body = new Uint8Array([messageType.syncStatus, 1]);

/** `SyncStatus(false)` */
export const refusalBody: Body = new Uint8Array([messageType.syncStatus, 0]);

/** What is large is copied once: an encoder grows, and gives away a copy. */
function syncBody(type: number, payload: Uint8Array): Body {
	const body = new Uint8Array(2 + varintBytes(payload.byteLength) + payload.byteLength);
	body[0] = messageType.sync;
	body[1] = type;
	body.set(payload, writeVarint(body, 2, payload.byteLength));
	return body;
}
