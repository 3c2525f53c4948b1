import type { Document } from "@hocuspocus/server";
import type { Relay } from "../auth/relay.ts";

/**
 * What the bus needs of whoever logs the documents. `Durability` has it. Without one, nothing is known of what is
 * durable, and what was missed can only be had from nodes that have the document open.
 */
export interface SharedLog {
	/** Whether there is room for more updates that wait for the store. */
	readonly accepting: boolean;
	/** Resolves when everything is durable that this node has appended to the document up to now. */
	written(documentName: string): Promise<void>;
	/**
	 * `source` gives (once) what the document holds of others' updates and they have not confirmed. It is asked before
	 * anything is said to be durable, and what it gives is logged first.
	 */
	answerFor(source: (documentName: string) => readonly Uint8Array[]): void;
	/** Logs now what the source of {@link answerFor} gives. */
	complete(documentName: string): void;
	/** Brings what the store has and the document in memory has not into it, soon. */
	readStore(documentName: string): void;
	/** Whether the bus brings what other nodes write. While it does not, they are to be followed through the store. */
	hearsOthers(hears: boolean): void;
	/** Tells of documents that were deleted, before anything else happens: of those other nodes are to hear nothing more. */
	onDeleted?(listener: (document: Document) => void): void;
	/** Has it tell itself on other nodes what else they have to know at once. */
	connect?(relay: Relay): void;
	/** Nodes that share the store and belong together, this one among them; `undefined` when that can't be known. */
	members(): Promise<number | undefined>;
}

/** The origin of what came from other nodes, as in Hocuspocus' `RedisTransactionOrigin`. */
export interface BusOrigin {
	readonly source: "redis";
	/** False when the node that it came from does not log it, so that this one has to. */
	readonly isLogged: boolean;
	/** The identifier of the node. */
	readonly node: string;
}
