/**
 * What may be said of where edits are. Pure. *Saved* comes from acknowledgements only: the server gives one when an edit
 * is on disk, and the provider counts those that are missing.
 */
export type SaveState =
	/** Nothing was edited here, and the server has not told us yet what it has. */
	| { readonly status: "connecting" }
	| { readonly status: "saving"; readonly edits: number }
	| { readonly status: "saved" }
	| { readonly status: "offline"; readonly edits: number }
	| { readonly status: "refused"; readonly edits: number }
	/** The server can save, and does not take some of the edits that are made here. */
	| { readonly status: "rejected"; readonly edits: number }
	/** Everything that others write arrives; nothing may be written here. */
	| { readonly status: "reading" };

export interface SaveFacts {
	/** `opening` is the first try; once that has failed it is `closed`, however often it is tried again. */
	readonly connection: "opening" | "open" | "closed";
	/** Whether the server's state has arrived on this connection. */
	readonly synced: boolean;
	/** `provider.unsyncedChanges`. */
	readonly unacknowledged: number;
	/** Since when acknowledgements have been missing without one arriving; undefined when none is missing. */
	readonly waitingSinceMs: number | undefined;
	/** Local edits since everything was acknowledged last, those of earlier visits included. */
	readonly pendingEdits: number;
	/** How many of these the copy in this browser has. */
	readonly keptEdits: number;
	/** The server said itself that it cannot save: close code 1013, or `store-unavailable`, or its `/readyz`. */
	readonly refused: boolean;
	/** The server has answered an edit with no (`SyncStatus(false)`) since everything was acknowledged last. */
	readonly rejected: boolean;
	/** What the server has said of this document when it let us in. */
	readonly mayWrite: boolean;
	/** The browser says that there is no network, or the server could not be asked: an open socket may be dead then. */
	readonly unreachable: boolean;
}

/** A commit takes milliseconds. After this long without one, the store is in trouble. */
export const patienceMs = 4_000;

export function isAllAcknowledged({ connection, synced, unacknowledged }: SaveFacts): boolean {
	return connection === "open" && synced && unacknowledged === 0;
}

export function deriveSaveState(facts: SaveFacts, nowMs: number): SaveState {
	const { pendingEdits: edits, keptEdits } = facts;
	if (isAllAcknowledged(facts)) return { status: facts.mayWrite ? "saved" : "reading" };
	if (facts.unreachable) return { status: "offline", edits: keptEdits };
	if (facts.refused) return { status: "refused", edits };
	if (facts.connection === "closed") return { status: "offline", edits: keptEdits };
	if (facts.connection === "opening")
		return edits > 0 ? { status: "offline", edits: keptEdits } : { status: "connecting" };
	if (overdueInMs(facts, nowMs) === 0) return { status: facts.rejected ? "rejected" : "refused", edits };
	return edits > 0 ? { status: "saving", edits } : { status: "connecting" };
}

/** @returns After how long without an acknowledgement the state will be another; undefined when it won't. */
export function overdueInMs({ connection, waitingSinceMs }: SaveFacts, nowMs: number): number | undefined {
	if (connection !== "open" || waitingSinceMs === undefined) return undefined;
	return Math.max(0, waitingSinceMs + patienceMs - nowMs);
}

/** The words on the badge. */
export function saveStateText(state: SaveState): string {
	switch (state.status) {
		case "connecting":
			return "Connecting…";
		case "saving":
			return "Saving…";
		case "saved":
			return "Saved";
		case "offline":
			if (state.edits === 0) return "Offline";
			return `Offline, ${state.edits} ${state.edits === 1 ? "edit" : "edits"} kept on this device`;
		case "refused":
			return "Server cannot save now";
		case "rejected":
			return "Last edits refused, kept on this device";
		case "reading":
			return "Read only";
	}
}
