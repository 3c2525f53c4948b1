import { z } from "zod";
import { connectionsListedMax } from "./bounds.ts";
import { type SampleRow, sampleFields } from "./sample-fields.ts";

/**
 * What the admin page is told, and what nodes tell each other for it. Times are in ms since 1970 by the clock of the node that says
 * them; `s` stands for seconds.
 */

/** Longest text of a search, in UTF-16 code units. */
const searchLengthMax = 256;
/** Documents in one answer, at most. */
const documentsMax = 200;

const count = z.number().nonnegative();

const sampleRowSchema = z.array(z.number().nullable()).min(sampleFields.length).max(64);

const stateSchema = z.object({
	phase: z.enum(["serving", "draining", "closed"]),
	ready: z.boolean(),
	/** Why it can't take work. */
	reasons: z.array(z.string().max(1_000)).max(50),
	/** What does not work although it is ready. */
	degraded: z.array(z.string().max(1_000)).max(50),
	connections: count,
	connectionsMax: count,
	documents: count,
	/** Edits that are not known to be on disk. */
	backlogUpdates: count,
	backlogBytes: count,
	backlogBytesMax: count,
	/** How often a client had to be brought up to date because it reads too slowly, since the start. */
	slowReadersTotal: count,
	/** Where its documents are: a path or a host. */
	store: z.string().max(1_000),
});
/** How a node is. */
export type NodeState = z.infer<typeof stateSchema>;

const overviewSchema = stateSchema.extend({
	/** The node's name among the others; the same for as long as it lives. */
	id: z.string().max(128),
	host: z.string().max(256),
	processId: count,
	version: z.string().max(64),
	startedMs: count,
});
export type NodeOverview = z.infer<typeof overviewSchema>;

export const pulseSchema = z.object({ overview: overviewSchema, samples: z.array(sampleRowSchema).max(600) });
/** How a node is, and its seconds since the last time. */
export interface Pulse {
	readonly overview: NodeOverview;
	readonly samples: readonly SampleRow[];
}

export const documentSorts = ["people", "edits", "size", "name"] as const;
export type DocumentSort = (typeof documentSorts)[number];

export const documentQuerySchema = z.object({
	search: z.string().max(searchLengthMax).default(""),
	sort: z.enum(documentSorts).default("people"),
	limit: z.coerce.number().int().min(1).max(documentsMax).default(50),
});
export type DocumentQuery = z.infer<typeof documentQuerySchema>;

const documentRowSchema = z.object({
	name: z.string(),
	/** Connections to it; one socket may have several documents. */
	people: count,
	/** Edits taken into the log here since the document came into memory. */
	edits: count,
	editsPerS: count,
	/** Of its last snapshot and the log since then; compressed or not, as stored. */
	storedBytes: count,
	/** `null` when nobody has edited it since it came into memory. */
	lastEditMs: count.nullable(),
});
export type DocumentRow = z.infer<typeof documentRowSchema>;

export const documentListSchema = z.object({
	/** Documents in memory that match. */
	matching: count,
	rows: z.array(documentRowSchema).max(documentsMax),
});
export type DocumentList = z.infer<typeof documentListSchema>;

export const connectionSchema = z.object({
	/** Of the socket; it may have other documents open, too. */
	id: z.string().max(64),
	document: z.string(),
	sinceMs: count.nullable(),
	/** As auth, or the `onAuthenticate` hook, knows it. */
	user: z.string().max(256).nullable(),
	client: z.string().max(64).nullable(),
	readOnly: z.boolean(),
	/** Bytes that it was sent and has not read. */
	waitingBytes: count,
	/** Past `readerBacklogBytesMax` it gets nothing more until it has read. */
	isBehind: z.boolean(),
	edits: count,
});
export type ConnectionFacts = z.infer<typeof connectionSchema>;

const measuredSchema = z.object({
	/** Of its whole state as one update. */
	stateBytes: count,
	/** Of what is stored, whichever nodes wrote it; `null` when it can't be read. */
	snapshotBytes: count.nullable(),
	logBytes: count.nullable(),
	logUpdates: count.nullable(),
});
export type MeasuredSize = z.infer<typeof measuredSchema>;

export const documentFactsSchema = z.object({
	name: z.string(),
	/** What the node has read of it and written to it since then; it does not count what other nodes have written. */
	snapshotBytes: count,
	logBytes: count,
	/** Updates in the log since the last snapshot. */
	logUpdates: count,
	/** Of the newest log entry; it counts all there ever were. */
	position: count,
	isCompacting: z.boolean(),
	/** Edits that are not known to be on disk. */
	waitingUpdates: count,
	/** What the store said when this document alone could not be written last. */
	failure: z.string().max(1_000).nullable(),
	/** Yjs clients that have ever written to it. */
	writers: count,
	structs: count,
	/** Whether it has updates whose dependencies have not come. */
	hasPending: z.boolean(),
	/** Who shows presence in it, on all nodes as far as this one knows. */
	present: count,
	edits: count,
	editsPerS: count,
	lastEditMs: count.nullable(),
	people: count,
	/** Server-side code that has it open. */
	direct: count,
	/** The first ones, slowest readers first. */
	connections: z.array(connectionSchema).max(connectionsListedMax),
	/** Only when asked for, as it takes as long as a client's joining and opening the document together. */
	measured: measuredSchema.nullable(),
});
export type DocumentFacts = z.infer<typeof documentFactsSchema>;

export const slowReadersSchema = z.array(connectionSchema).max(connectionsListedMax);

/** What became of an action. */
export const outcomeSchema = z.object({ done: z.boolean(), detail: z.string().max(1_000) });
export type Outcome = z.infer<typeof outcomeSchema>;

/** One node's answer. */
export interface NodeAnswer<Answer> {
	readonly node: string;
	readonly answer: Answer;
}

/** A node as somebody who watches sees it. */
export interface NodeView {
	readonly id: string;
	readonly isHere: boolean;
	/** `null` for one that is heard and does not answer: it has no admin token, or is of an earlier edition. */
	readonly overview: NodeOverview | null;
	readonly samples: readonly SampleRow[];
}

export interface ClusterDocumentRow extends DocumentRow {
	/** Those that have it in memory, as far as it is among their first ones. */
	readonly nodes: readonly string[];
}

export interface ClusterDocumentList {
	/** Documents that match, at most: one that several nodes have is counted once as far as that can be seen in their first ones. */
	readonly matching: number;
	/** At least. */
	readonly matchingMin: number;
	readonly rows: readonly ClusterDocumentRow[];
}

export interface ClusterConnection extends ConnectionFacts {
	readonly node: string;
}
