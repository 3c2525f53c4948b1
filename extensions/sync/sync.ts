import { randomUUID } from "node:crypto";
import type {
	Connection,
	Extension,
	Hocuspocus,
	onConfigurePayload,
	onLoadDocumentPayload,
} from "@hocuspocus/server";
import { type Clock, systemClock } from "../durability/clock.ts";
import { consoleLogger, type DurabilityLogger } from "../durability/logging.ts";
import type { StoredDocument } from "../durability/store.ts";
import { LinePace } from "../metrics/line-pace.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";
import type { Tracing } from "../tracing/index.ts";
import { tracingAmong } from "../tracing/tracing-among.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { type Gates, gatesAmong } from "./gate.ts";
import { LiveDocument } from "./live-document.ts";
import { type EarlyAnswer, Lobby } from "./lobby.ts";
import { type Screening, screeningAmong } from "./message-screen.ts";
import { PresenceTimeouts } from "./presence-timeouts.ts";
import type { SyncContext } from "./sync-context.ts";
import { SyncFigures } from "./sync-figures.ts";
import { TurnQueue } from "./turn-queue.ts";
import { UnwatchedHooks } from "./unwatched-hooks.ts";

export interface SyncOptions {
	/**
	 * Longest time for which edits and presence wait for more of them before they are sent to the other clients, in ms; 80 by
	 * default. Only in documents with many clients who do more than one thing at a time.
	 */
	readonly flushIntervalMs?: number | undefined;
	/**
	 * Bytes that wait for a client to read them, past which it is sent nothing more until it has read them, and then the
	 * difference; 1 MiB by default. Only behind our own transport.
	 */
	readonly readerBacklogBytesMax?: number | undefined;
	readonly logger?: DurabilityLogger | undefined;
	/** For tests. */
	readonly clock?: Clock | undefined;
}

/** Totals since the start. */
export interface SyncStats {
	/** Edits that clients have sent. */
	readonly updates: number;
	/** Updates sent to clients, one for each client. */
	readonly deliveries: number;
	/** Clients that read too slowly to be sent everything; how often that has happened since the start. */
	readonly slowReaders: number;
}

/** How long what was encoded for one who joins is kept for the next one. */
const joinStateMs = 5_000;

/**
 * Makes the way of an edit from client to client cheap: what arrives together is applied in one transaction, each client gets
 * one write for it, and those who join share what is encoded for them. It takes over what Hocuspocus does with sync and awareness messages
 * as long as nobody's hook watches them (`beforeHandleMessage`, `afterHandleMessage`, `beforeSync`, `onChange`, `onStoreDocument`,
 * `afterStoreDocument`; for presence `beforeHandleAwareness`); then they go Hocuspocus' own way.
 *
 * With `Durability` on the same server, it acknowledges what is durable; without it what is in memory, as a stock server does.
 * Its priority comes right after Durability's: it must know the gates that are put before connections.
 */
export class Sync implements Extension {
	readonly extensionName = "Sync";
	readonly priority = Number.MAX_SAFE_INTEGER;
	readonly #options: SyncOptions;
	readonly #clock: Clock;
	readonly #logger: DurabilityLogger;
	readonly #turns: TurnQueue<LiveDocument>;
	/** Where our own transport tells of clients that wait for a document. */
	readonly lobby = new Lobby((documentName) => this.#instance?.loadingDocuments.has(documentName) ?? false);
	readonly #early = new Map<string, EarlyAnswer>();
	readonly #presenceTimeouts: PresenceTimeouts;
	readonly #refusalLines: LinePace;
	readonly #withJoinState = new Set<LiveDocument>();
	#cancelForgetting: (() => void) | undefined;
	#instance: Hocuspocus | undefined;
	#gates: Gates | undefined;
	#screening: Screening | undefined;
	#unwatchedHooks: UnwatchedHooks | undefined;
	readonly #figures = new SyncFigures();
	#tracing: Tracing | undefined;
	/** What all documents have in common. */
	#shared: SyncContext | undefined;

	constructor(options: SyncOptions = {}) {
		this.#options = options;
		this.#clock = options.clock ?? systemClock;
		this.#logger = options.logger ?? consoleLogger;
		this.#turns = new TurnQueue(this.#clock, (document) => this.#guard(document, turnEnded));
		this.#refusalLines = new LinePace(this.#clock.now());
		this.#presenceTimeouts = new PresenceTimeouts(this.#clock);
	}

	stats(): SyncStats {
		const { updates, deliveries, slowReaders } = this.#figures;
		return { updates, deliveries, slowReaders };
	}

	declareMetrics(sink: MetricSink): void {
		this.#figures.declare(sink);
	}

	async onConfigure({ instance }: onConfigurePayload): Promise<void> {
		this.#instance = instance;
		this.#screening = screeningAmong(instance.configuration.extensions);
		const gates = gatesAmong(instance.configuration.extensions);
		this.#gates = gates;
		this.#tracing = tracingAmong(instance.configuration.extensions);
		gates?.onStored((documentName, stored) => this.#answerEarly(documentName, stored));
		this.#unwatchedHooks = new UnwatchedHooks(instance, gates === undefined ? [] : [gates]);
	}

	async onDestroy(): Promise<void> {
		this.#cancelForgetting?.();
		this.#presenceTimeouts.close();
	}

	/** Yjs 13.6 draws random numbers 31 times for the identifier of a document, which is of use to subdocuments only. */
	async onCreateDocument(): Promise<{ guid: string }> {
		const guid = randomUUID();
		// Until somebody looks into it, V8 keeps the pieces it was put together from.
		guid.charCodeAt(0);
		return { guid };
	}

	async onLoadDocument({ document, documentName }: onLoadDocumentPayload): Promise<void> {
		const early = this.#early.get(documentName);
		this.#early.delete(documentName);
		this.lobby.close(documentName);
		this.#presenceTimeouts.watch(document);
		this.#shared ??= this.#context();
		const live = new LiveDocument(document, this.#shared, early);
		if (early !== undefined) this.#keepJoinState(live);
	}

	async #answerEarly(documentName: string, stored: StoredDocument): Promise<void> {
		// From a time when it could not be loaded.
		this.#early.delete(documentName);
		const hooks = this.#unwatchedHooks;
		if (hooks === undefined || hooks.areMessagesWatched || hooks.isLoadingWatched) return;
		const early = await this.lobby.answer(documentName, stored);
		if (early !== undefined) this.#early.set(documentName, early);
	}

	#context(): SyncContext {
		const { flushIntervalMs = 80, readerBacklogBytesMax = 1024 * 1024 } = this.#options;
		const hooks = this.#unwatchedHooks;
		return {
			clock: this.#clock,
			turns: this.#turns,
			acknowledgements: new Acknowledgements(this.#clock),
			gates: this.#gates,
			screening: this.#screening,
			figures: this.#figures,
			tracing: this.#tracing,
			flushIntervalMs,
			readerBacklogBytesMax,
			areMessagesWatched: () => hooks?.areMessagesWatched ?? true,
			isPresenceWatched: () => hooks?.isPresenceWatched ?? true,
			spare: (connection) => hooks?.spare(connection),
			flush: (document) => this.#guard(document, flush),
			sendOn: (document) => this.#clock.afterTurn(() => this.#guard(document, sendOn)),
			failed: ({ document }, err) =>
				this.#logger.error({ err, documentName: document.name }, "a listener of a document failed"),
			refused: (connection, error) => this.#logRefusal(connection, error),
			joinStateKept: (document) => this.#keepJoinState(document),
		};
	}

	/** As many as a client likes. They say nothing of the document, and nothing of what is in it. */
	#logRefusal({ socketId, document }: Connection, error: unknown): void {
		const omitted = this.#refusalLines.take(this.#clock.now());
		if (omitted === undefined) return;
		const why = error instanceof Error && !(error instanceof SyntaxError) ? error.message : "unreadable";
		const since = omitted > 0 ? { sinceLastLine: omitted } : {};
		const fields = { connection: socketId, why };
		this.#logger.info({ ...fields, ...since }, "an edit can't be applied, and ends its author's connection");
		this.#logger.debug({ ...fields, documentName: document.name }, "this was its document");
	}

	#guard(document: LiveDocument, send: (document: LiveDocument) => void): void {
		try {
			send(document);
		} catch (error) {
			this.#logger.error(
				{ err: error, documentName: document.document.name },
				"a document could not be sent",
			);
		}
	}

	/** One timer for all documents, and none when nobody has joined for a while. */
	#keepJoinState(document: LiveDocument): void {
		if (this.#withJoinState.size === 0)
			this.#cancelForgetting = this.#clock.after(joinStateMs, () => this.#forgetJoinStates());
		this.#withJoinState.add(document);
	}

	#forgetJoinStates(): void {
		for (const document of this.#withJoinState) document.forgetJoins();
		this.#withJoinState.clear();
	}
}

const turnEnded = (document: LiveDocument) => document.turnEnded();
const flush = (document: LiveDocument) => document.flush();
const sendOn = (document: LiveDocument) => document.sendOn();
