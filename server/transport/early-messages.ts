import type { HocuspocusClient } from "./client.ts";
import type { ClientMessage } from "./frames.ts";

/** What Hocuspocus 4.7 keeps for a client, by address. All of it is private there. */
interface Kept {
	readonly documentConnections: Readonly<Record<string, unknown>>;
	/** Addresses for which the client has shown credentials. */
	readonly documentConnectionsEstablished: ReadonlySet<string>;
	readonly incomingMessageQueue: Record<string, readonly Uint8Array[]>;
	readonly incomingMessageQueueBytes: Record<string, number>;
	readonly hookPayloads: Record<string, unknown>;
}

/** What a message takes in a queue beyond its bytes. */
const overheadBytes = 100;
/** What Hocuspocus makes for a document of which it hears for the first time: a queue, and what its hooks will be given. */
const documentBytes = 1_000;

/**
 * Whether a message is for a document that the client has not asked to open. Hocuspocus keeps such messages until it asks, and somebody who was
 * let into another document, or was refused this one and types on, may never do so.
 */
export function isEarly(client: HocuspocusClient, { address, name, kind }: ClientMessage): boolean {
	const kept = client as unknown as Kept;
	return (
		kind !== "credentials" &&
		!kept.documentConnectionsEstablished.has(address) &&
		kept.documentConnections[address] === undefined &&
		kept.documentConnections[name] === undefined
	);
}

/**
 * Has Hocuspocus forget such messages for a document. The client has left before it was let in, as an editor that was refused: kept, its
 * last word would end the document for whoever opens it next on the same socket.
 */
export function forgetEarly(client: HocuspocusClient, address: string): void {
	const { incomingMessageQueue, incomingMessageQueueBytes, hookPayloads } = client as unknown as Kept;
	delete incomingMessageQueue[address];
	delete incomingMessageQueueBytes[address];
	delete hookPayloads[address];
}

/** How much waits of what a client has sent for documents that it is not connected to yet, in bytes. */
export function waitingBytes(client: HocuspocusClient): number {
	const { incomingMessageQueueBytes } = client as unknown as Kept;
	return Object.values(incomingMessageQueueBytes).reduce((sum, bytes) => sum + bytes, 0);
}

/** How much such messages of a client take that wait, in bytes. */
export function earlyBytes(client: HocuspocusClient): number {
	const { incomingMessageQueue, documentConnectionsEstablished } = client as unknown as Kept;
	let bytes = 0;
	for (const [address, messages] of Object.entries(incomingMessageQueue)) {
		if (documentConnectionsEstablished.has(address)) continue;
		bytes += documentBytes;
		for (const { byteLength } of messages) bytes += overheadBytes + byteLength;
	}
	return bytes;
}
