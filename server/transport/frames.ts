/**
 * What the transport reads of a frame before Hocuspocus does: `varString address, varUint messageType, …`, where the
 * address is a document's name, or the name, NUL, and a session id (`@hocuspocus/common` 4.7, `routingKey.ts`). Pure.
 */
import * as decoding from "lib0/decoding";

const messageTypeSync = 0;
const syncTypeStep1 = 0;
const messageTypeAuth = 2;
const messageTypeClose = 7;
/** The highest message type a client may send: 10 is the provider's Pong, which stands alone in its frame. */
const messageTypeMax = 10;
const messageTypePong = 10;
const sessionIdBytesMax = 64;

export type IncomingFrame =
	| ClientMessage
	/** An answer to an application-level ping; it carries no address. */
	| { readonly type: "pong" }
	| { readonly type: "malformed" }
	| { readonly type: "invalid-document-name" };

/** Whether a client's frame is one that Hocuspocus can read, as far as its head tells. */
export function inspectIncoming(frame: Uint8Array, documentNameBytesMax: number): IncomingFrame {
	if (frame.byteLength === 1 && frame[0] === messageTypePong) return { type: "pong" };
	try {
		const decoder = decoding.createDecoder(frame);
		const addressBytes = decoding.readVarUint(decoder);
		if (addressBytes === 0) return { type: "invalid-document-name" };
		const typeAt = decoder.pos + addressBytes;
		if (typeAt >= frame.byteLength) return { type: "malformed" };
		if (
			addressBytes > documentNameBytesMax &&
			!isLongOnlyBySession(frame, decoder.pos, addressBytes, documentNameBytesMax)
		) {
			return { type: "invalid-document-name" };
		}
		decoder.pos = typeAt;
		const type = decoding.readVarUint(decoder);
		if (type > messageTypeMax) return { type: "malformed" };
		const address = addressOf(frame);
		return address === undefined
			? { type: "invalid-document-name" }
			: { type: "message", address, kind: kindOf(type), typeAt };
	} catch {
		return { type: "malformed" };
	}
}

/** @returns `undefined` when its address is no text. */
function addressOf(frame: Uint8Array): string | undefined {
	try {
		return decoding.readVarString(decoding.createDecoder(frame));
	} catch {
		return undefined;
	}
}

/** A message that can be read, as far as its head tells. */
export interface ClientMessage {
	readonly type: "message";
	readonly address: string;
	/** `credentials` ask to be let in, or are a new token. With `leaves` the client has done with the document. */
	readonly kind: "credentials" | "leaves" | "other";
	/** Where its type is in the frame, behind the address. */
	readonly typeAt: number;
}

function kindOf(type: number): ClientMessage["kind"] {
	if (type === messageTypeAuth) return "credentials";
	return type === messageTypeClose ? "leaves" : "other";
}

/** The name of the document that a message which can be read is for. */
export function documentNameOf(frame: Uint8Array): string {
	return nameIn(decoding.readVarString(decoding.createDecoder(frame)));
}

/** The document's name in an address. */
export function nameIn(address: string): string {
	const end = address.indexOf("\0");
	return end === -1 ? address : address.slice(0, end);
}

/** What a provider calls its own session, in an address. */
export function sessionIn(address: string): string | null {
	const end = address.indexOf("\0");
	return end === -1 ? null : address.slice(end + 1);
}

/** What a client shows to be let in, in a message of that kind; `undefined` when it can't be read. */
export function credentialsIn(
	frame: Uint8Array,
): { readonly token: string; readonly providerVersion: string | null } | undefined {
	try {
		const decoder = decoding.createDecoder(frame);
		decoder.pos = decoding.readVarUint(decoder) + decoder.pos;
		// The message's type, and the kind of authentication, of which there is one.
		decoding.readVarUint(decoder);
		decoding.readVarUint(decoder);
		const token = decoding.readVarString(decoder);
		return { token, providerVersion: decoding.hasContent(decoder) ? decoding.readVarString(decoder) : null };
	} catch {
		return undefined;
	}
}

/** The address of a message that can be read, with its length before it, in bytes of its own. */
export function addressFieldOf(frame: Uint8Array): Uint8Array {
	const decoder = decoding.createDecoder(frame);
	const typeAt = decoding.readVarUint(decoder) + decoder.pos;
	// A Buffer's `slice` would keep all that came with it.
	return new Uint8Array(frame.subarray(0, typeAt));
}

/** The state vector of a `SyncStep1`; `undefined` for anything else. */
export function step1In(frame: Uint8Array, typeAt: number): Uint8Array | undefined {
	if (frame[typeAt] !== messageTypeSync || frame[typeAt + 1] !== syncTypeStep1) return undefined;
	const decoder = decoding.createDecoder(frame.subarray(typeAt + 2));
	try {
		return decoding.readVarUint8Array(decoder);
	} catch {
		return undefined;
	}
}

/** Whether it brings something for the document: a `SyncStep2` or an update. */
export function isEdit(frame: Uint8Array, typeAt: number): boolean {
	return frame[typeAt] === messageTypeSync && frame[typeAt + 1] !== syncTypeStep1;
}

export function beginsWith(frame: Uint8Array, start: Uint8Array): boolean {
	if (frame.byteLength < start.byteLength) return false;
	// Addresses differ in their length, or else near their end.
	for (let at = start.byteLength - 1; at >= 0; at -= 1) if (frame[at] !== start[at]) return false;
	return true;
}

/** Whether a client may send a message of this type. */
export function isMessageType(type: number | undefined): boolean {
	return type !== undefined && type <= messageTypeMax;
}

function isLongOnlyBySession(
	frame: Uint8Array,
	start: number,
	addressBytes: number,
	nameBytesMax: number,
): boolean {
	const nameBytes = frame.subarray(start, start + addressBytes).indexOf(0);
	return nameBytes !== -1 && nameBytes <= nameBytesMax && addressBytes - nameBytes - 1 <= sessionIdBytesMax;
}
