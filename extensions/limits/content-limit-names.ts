/** Limits on what is written into documents and presence (extensions/limits/content). */
export type ContentLimit =
	/** Bytes of one update or one state vector, and how many parts an update has. */
	| "update-size"
	/** What it costs to find the places of edits among others' of the same time. */
	| "document-conflicts"
	/** What all of a user, an address or a document send that costs more than messages. */
	| "costly-edits"
	| "document-size"
	/** Names of root types, which a document never forgets. */
	| "document-roots"
	/** What builds on updates that have not come. */
	| "pending-structs"
	| "presence-size"
	/** Awareness clients for which one connection speaks. */
	| "presence-clients";
