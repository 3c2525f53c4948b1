import type { Connection } from "@hocuspocus/server";

/** With what a socket is closed for a limit. A provider comes back after each. */
export const limitCloseEvents = {
	rateExceeded: { code: 4429, reason: "rate-exceeded" },
	tooManyConnections: { code: 4429, reason: "too-many-connections" },
	/** A provider that comes back with all that it has is refused that, and stays. */
	updateTooBig: { code: 4413, reason: "update-too-big" },
	pendingTooBig: { code: 4413, reason: "pending-too-big" },
	/** Hocuspocus' `ResetConnection`: the client is to connect anew. */
	documentLeft: { code: 4205, reason: "document-unloaded" },
	presenceTooBig: { code: 4413, reason: "presence-too-big" },
} as const;

export type LimitCloseEvent = (typeof limitCloseEvents)[keyof typeof limitCloseEvents];

/** What a client is told that is refused one document, in the provider's `onAuthenticationFailed`. Its socket stays. */
export type LimitRefusalReason = "invalid-document-name" | "document-full" | "too-many-documents";

/** Without a message, as Hocuspocus prints messages, and floods of them are what limits are for. */
export class LimitRefusal extends Error {
	override readonly name = "LimitRefusal";
	readonly reason: LimitRefusalReason;

	constructor(reason: LimitRefusalReason) {
		super("");
		this.reason = reason;
	}
}

/** As when a client leaves a document, which costs it nothing else; other codes have Durability close the socket. */
const normalClosure = 1000;

/** Ends this document for the client, which keeps its socket and the others, and does not come back to it by itself. */
export function leaveDocument(connection: Connection, reason: LimitRefusalReason): void {
	connection.close({ code: normalClosure, reason });
}

const webSocketOpen = 1;

/** Ends the whole socket, not just this document: a provider does not come back to a document that was closed alone. */
export function endSocket(connection: Connection, event: LimitCloseEvent): void {
	connection.close(event);
	const { webSocket } = connection;
	if (webSocket.readyState === webSocketOpen) webSocket.close(event.code, event.reason);
}
