import type { Connection } from "@hocuspocus/server";
import type { Clock } from "../durability/clock.ts";
import type { Tracing } from "../tracing/index.ts";
import type { Acknowledgements } from "./acknowledgements.ts";
import type { Gates } from "./gate.ts";
import type { LiveDocument } from "./live-document.ts";
import type { Screening } from "./message-screen.ts";
import type { SyncFigures } from "./sync-figures.ts";
import type { TurnQueue } from "./turn-queue.ts";

/** What all documents of a server share. */
export interface SyncContext {
	readonly clock: Clock;
	/** Flushes documents at the end of the turn. */
	readonly turns: TurnQueue<LiveDocument>;
	readonly acknowledgements: Acknowledgements;
	readonly gates: Gates | undefined;
	readonly screening: Screening | undefined;
	readonly figures: SyncFigures;
	readonly tracing: Tracing | undefined;
	/** See `SyncOptions`. */
	readonly flushIntervalMs: number;
	readonly readerBacklogBytesMax: number;
	/** Whether somebody's hook wants to see messages; then all of them go Hocuspocus' own way. */
	areMessagesWatched(): boolean;
	/** The same for presence. */
	isPresenceWatched(): boolean;
	/** Hocuspocus is making this connection: leaves out what nobody watches. */
	spare(connection: Connection): void;
	/** Flushes a document, whatever happens. */
	flush(document: LiveDocument): void;
	/** Has it go on sending in the next turn of the event loop. */
	sendOn(document: LiveDocument): void;
	/** Others' code has thrown. It is not passed on: those who wait are not to blame. */
	failed(document: LiveDocument, error: unknown): void;
	/** What a client has sent can't be applied. */
	refused(connection: Connection, error: unknown): void;
	/** A document keeps something for those who join, which is to be let go of in a while. */
	joinStateKept(document: LiveDocument): void;
}
