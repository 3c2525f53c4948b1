import type { Document } from "@hocuspocus/server";
import * as Y from "yjs";
import type { Effort } from "../sync/bounded-apply.ts";
import type { DocumentLog } from "./document-log.ts";
import type { LogEntry, StoredDocument } from "./store.ts";
import { StoredUpdates } from "./stored-updates.ts";

/** A document in memory, with what durability keeps beside it. */
export interface DocumentEntry {
	readonly document: Document;
	readonly log: DocumentLog;
	/** The last position that was stored when the document was loaded; 0 for one that never was. */
	readonly loadedPosition: number;
	/** What is stored up to this position has been applied here; there may be more of it. */
	readPosition: number;
	/** Whether anything but other nodes has changed it since it was loaded. */
	isChangedHere: boolean;
	logBytes: number;
	logUpdates: number;
	/** See {@link ./compaction-policy.ts}. */
	addedBytes: number;
	snapshotBytes: number;
	/** Whether nothing was appended since somebody has looked for documents that are left alone. */
	isQuiet: boolean;
	compaction: { readonly status: "running" } | { readonly status: "none"; readonly notBeforeMs: number };
	/** What Yjs was holding back the last time we looked. */
	pendingStructs: Y.Doc["store"]["pendingStructs"];
	pendingDeletes: Y.Doc["store"]["pendingDs"];
}

/**
 * Applies what the store knows in one Yjs transaction. It is logged already: call it before somebody follows the
 * document, or give it an origin that says so.
 */
export function applyStored(
	document: Y.Doc,
	{ snapshot, entries }: StoredDocument,
	origin?: unknown,
	effort?: Effort,
): void {
	const before = snapshot === undefined ? [] : [snapshot.update];
	applyUpdates(document, [...before, ...entries.flatMap(({ updates }) => updates)], origin, effort);
}

/** As {@link applyStored}, for entries alone. */
export function applyEntries(document: Y.Doc, entries: readonly LogEntry[], origin?: unknown): void {
	if (entries.length === 0) return;
	applyUpdates(
		document,
		entries.flatMap(({ updates }) => updates),
		origin,
	);
}

function applyUpdates(
	document: Y.Doc,
	updates: readonly Uint8Array[],
	origin: unknown,
	effort?: Effort,
): void {
	document.transact(() => {
		const stored = new StoredUpdates(document, effort);
		try {
			for (const update of updates) stored.apply(update);
		} finally {
			stored.end();
		}
	}, origin);
}

/**
 * What Yjs has taken but holds back, because it depends on updates that have not come yet, as far as it is new since the
 * last call. It emits no `update` event for it, yet its sender is acknowledged, so it belongs into the log too; and what
 * releases it may come from another node, and is not logged here then.
 * @returns Updates (V1).
 */
export function takeHeldBack(entry: DocumentEntry): Uint8Array[] {
	const { pendingStructs, pendingDs } = entry.document.store;
	const updates: Uint8Array[] = [];
	// Yjs adds to the object that it has. The one from loading is that object itself: what it was then is not known.
	const logged = entry.pendingStructs === pendingStructs ? undefined : entry.pendingStructs?.update;
	if (pendingStructs === null) entry.pendingStructs = null;
	else if (pendingStructs.update !== logged) {
		entry.pendingStructs = { ...pendingStructs };
		const update = newIn(pendingStructs.update, logged);
		if (update !== undefined) updates.push(update);
	}
	// It makes these anew with each update that it applies.
	const { pendingDeletes } = entry;
	if (pendingDs === null) entry.pendingDeletes = null;
	else if (pendingDeletes === null || Buffer.compare(pendingDs, pendingDeletes) !== 0) {
		entry.pendingDeletes = pendingDs;
		updates.push(Y.convertUpdateFormatV2ToV1(pendingDs));
	}
	return updates;
}

/**
 * @returns What an update (V2) of structs alone has and another one that it includes has not, as V1: not less, and no
 * more when clients' structs come in order.
 */
function newIn(update: Uint8Array, known: Uint8Array | undefined): Uint8Array | undefined {
	if (known === undefined) return Y.convertUpdateFormatV2ToV1(update);
	const [runs, knownRuns] = [firstRuns(update), firstRuns(known)];
	const ends = new Map<number, number>();
	for (const [client, { start, end }] of knownRuns)
		if (runs.get(client)?.start === start) ends.set(client, end);
	const difference = Y.diffUpdateV2(update, Y.encodeStateVector(ends));
	const isEmpty = Y.decodeUpdateV2(difference).structs.length === 0;
	return isEmpty ? undefined : Y.convertUpdateFormatV2ToV1(difference);
}

/** For each client, the clocks of its first structs up to a gap. */
function firstRuns(update: Uint8Array): Map<number, { readonly start: number; readonly end: number }> {
	const runs = new Map<number, { readonly start: number; readonly end: number }>();
	for (const struct of Y.decodeUpdateV2(update).structs) {
		if (struct instanceof Y.Skip) continue;
		const { client, clock } = struct.id;
		const run = runs.get(client);
		if (run === undefined || run.end === clock)
			runs.set(client, { start: run?.start ?? clock, end: clock + struct.length });
	}
	return runs;
}
