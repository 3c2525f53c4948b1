import type { Connection } from "@hocuspocus/server";
import * as encoding from "lib0/encoding";

/** Why a connection that was let in is ended. The provider comes back after each, and may be refused then. */
export const authCloseEvents = {
	tokenExpired: { code: 4401, reason: "token-expired" },
	tokenRefused: { code: 4401, reason: "token-refused" },
	accessRevoked: { code: 4403, reason: "access-revoked" },
	/** Presence that can't be read. */
	malformedMessage: { code: 4400, reason: "malformed-message" },
} as const;

export type AuthCloseEvent = (typeof authCloseEvents)[keyof typeof authCloseEvents];

const webSocketOpen = 1;

/** Ends the whole socket, not just this document: a provider does not come back to a document that was closed alone. */
export function endConnection(connection: Connection, event: AuthCloseEvent): void {
	connection.close(event);
	const { webSocket } = connection;
	if (webSocket.readyState === webSocketOpen) webSocket.close(event.code, event.reason);
}

const authMessage = { type: 2, authenticated: 2 } as const;

/** Tells a provider what it may do from now on: it emits `authenticated` with the scope once more. */
export function tellScope(connection: Connection, scope: "readonly" | "read-write"): void {
	connection.send(
		encoding.encode((encoder) => {
			encoding.writeVarString(encoder, connection.messageAddress);
			encoding.writeVarUint(encoder, authMessage.type);
			encoding.writeVarUint(encoder, authMessage.authenticated);
			encoding.writeVarString(encoder, scope);
		}),
	);
}
