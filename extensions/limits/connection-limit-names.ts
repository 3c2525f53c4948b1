/** Limits on who is connected and how much they send. */
export type ConnectionLimit =
	/** Messages or bytes that one connection sends. */
	| "connection-rate"
	/** The same of all connections of one user. */
	| "user-rate"
	| "connections-per-address"
	| "connections-per-user"
	| "connections-per-document"
	| "documents-per-connection"
	| "handshakes-per-address"
	/** What is sent before anything was allowed. */
	| "unauthenticated-bytes"
	| "document-name"
	/** Idle connections that make room on a node that is short of memory. */
	| "idle-connections";
