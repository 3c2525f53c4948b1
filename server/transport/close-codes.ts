/**
 * Every way in which the server ends a WebSocket. `retry` tells whether coming back later can help; the provider always
 * tries, with growing delays. Codes from 1000 to 1015 are RFC 6455's and IANA's; 4000 and up are Hocuspocus' and ours.
 */
export const closeCodes = {
	serviceRestart: { code: 1012, reason: "service-restart", retry: true },
	storeUnavailable: { code: 1013, reason: "store-unavailable", retry: true },
	frameTooBig: { code: 1009, reason: "frame-too-big", retry: false },
	/** Against RFC 6455; what exactly is added to the reason. */
	protocolError: { code: 1002, reason: "protocol-error", retry: false },
	/** Text frames: the protocol is binary. */
	unsupportedData: { code: 1003, reason: "unsupported-data", retry: false },
	malformedMessage: { code: 4400, reason: "malformed-message", retry: false },
	invalidDocumentName: { code: 4404, reason: "invalid-document-name", retry: false },
	/** The first message must come soon and must authenticate. */
	authenticationTimeout: { code: 4408, reason: "authentication-timeout", retry: true },
	/** What an open connection was allowed is over (extensions/auth/end-connection.ts). A client that comes back shows its token anew. */
	tokenExpired: { code: 4401, reason: "token-expired", retry: true },
	tokenRefused: { code: 4401, reason: "token-refused", retry: true },
	accessRevoked: { code: 4403, reason: "access-revoked", retry: true },
	/** On the admin page somebody has closed the connection, or unloaded its document. */
	closedByOperator: { code: 4410, reason: "closed-by-operator", retry: true },
	/** Whoever would know can't be asked now: the issuer's keys, the webhook. */
	authUnavailable: { code: 1013, reason: "auth-unavailable", retry: true },
	/** It sent more than is allowed for longer than it was bearable (extensions/limits). */
	rateExceeded: { code: 4429, reason: "rate-exceeded", retry: true },
	/** Its user has too many connections. */
	tooManyConnections: { code: 4429, reason: "too-many-connections", retry: true },
	/** An update that is larger than any may be, or counts too many parts (extensions/limits/content). */
	updateTooBig: { code: 4413, reason: "update-too-big", retry: false },
	/** Again and again, edits that build on something that nobody has. */
	pendingTooBig: { code: 4413, reason: "pending-too-big", retry: false },
	/** Again and again, presence that is larger than it may be, or of more people than one connection speaks for. */
	presenceTooBig: { code: 4413, reason: "presence-too-big", retry: false },
	/** The node is short of memory, and this connection was idle for longest. */
	overloaded: { code: 1013, reason: "overloaded", retry: true },
	/** Hocuspocus' `ResetConnection`. */
	reset: { code: 4205, reason: "reset-connection", retry: true },
} as const satisfies Record<string, CloseCode>;

export interface CloseCode {
	readonly code: number;
	/** At most 123 bytes, the limit of a close frame. */
	readonly reason: string;
	readonly retry: boolean;
}
