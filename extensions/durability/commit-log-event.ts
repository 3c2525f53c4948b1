/** What a commit log tells its operator. */
export type CommitLogEvent =
	/** The store has appended an entry at a position that it had given before, or is not as far as it was; what is in memory is stored anew. */
	| {
			readonly type: "entries-lost";
			readonly documentName: string;
			readonly position: number;
			/** The last position that was known. */
			readonly expectedAfter: number;
	  }
	| {
			readonly type: "committed";
			readonly documents: number;
			readonly updates: number;
			readonly bytes: number;
			readonly durationMs: number;
	  }
	/** No document can be written. `attempt` counts failures in a row, from 1. */
	| {
			readonly type: "store-failed";
			readonly error: Error;
			readonly attempt: number;
			readonly retryInMs: number;
	  }
	| { readonly type: "store-recovered"; readonly failedForMs: number }
	/** One document can't be written; the others can. */
	| {
			readonly type: "document-failed";
			readonly documentName: string;
			readonly error: Error;
			readonly attempt: number;
			readonly retryInMs: number;
	  }
	| { readonly type: "document-recovered"; readonly documentName: string }
	| { readonly type: "backlog-full"; readonly backlogBytes: number }
	| { readonly type: "backlog-relieved"; readonly backlogBytes: number };
