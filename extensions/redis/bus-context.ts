import { isTransactionOrigin } from "@hocuspocus/server";
import type { Clock } from "../durability/clock.ts";
import type { Tracing } from "../tracing/index.ts";
import type { FrameWriter } from "./frames.ts";
import type { SharedDocument } from "./shared-document.ts";
import type { BusOrigin, SharedLog } from "./shared-log.ts";

/** What a document needs of the bus. */
export interface BusContext {
	readonly frames: FrameWriter;
	readonly clock: Clock;
	readonly log: SharedLog | undefined;
	/** Larger ones are not published: Redis cuts off listeners that have too much to read. */
	readonly messageBytesMax: number;
	/** `undefined` when nothing is traced. */
	tracing(): Tracing | undefined;
	/** Whether an extension wants to see awareness messages. */
	isAwarenessWatched(): boolean;
	/** To everybody who has the document open. @returns The number of connections that received it, our own among them. */
	publish(documentName: string, frame: Buffer): Promise<number | undefined>;
	/** Whether that number is certain. */
	countsAll(documentName: string): boolean;
	/** To one node. */
	reply(recipient: string, frame: Buffer): void;
	/** A message about the document could not be read. */
	frameIgnored(documentName: string, error: Error): void;
	/** {@link SharedDocument.flush} is due at the end of this turn. */
	flushSoon(document: SharedDocument): void;
	/** {@link SharedDocument.receipt} has changed. */
	receiptDue(document: SharedDocument): void;
	/** {@link SharedDocument.retryGaps} has something to do in a while. */
	gapOpened(document: SharedDocument): void;
	/** Something was missed that nobody may have open any more: read the store. */
	readStore(documentName: string): void;
}

export function originOf(node: string, isLogged: boolean): BusOrigin {
	return { source: "redis", isLogged, node };
}

export function isFromBus(origin: unknown): origin is { readonly source: "redis" } {
	return isTransactionOrigin(origin) && origin.source === "redis";
}
