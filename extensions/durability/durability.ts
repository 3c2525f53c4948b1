import type {
	afterLoadDocumentPayload,
	afterUnloadDocumentPayload,
	beforeUnloadDocumentPayload,
	Connection,
	Document,
	Extension,
	Hocuspocus,
	onConfigurePayload,
	onLoadDocumentPayload,
	onStoreDocumentPayload,
} from "@hocuspocus/server";
import type { Relay } from "../auth/relay.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";
import { nothing } from "../nothing.ts";
import type { Tracing } from "../tracing/index.ts";
import { tracingAmong } from "../tracing/tracing-among.ts";
import { AckGate, type AckGateOptions, closeSocket, gateCloseEvents } from "./ack-gate.ts";
import { applyInTurns } from "./apply-in-turns.ts";
import { BrokenDocuments } from "./broken-documents.ts";
import { collectCarefully } from "./careful-collection.ts";
import { type Clock, systemClock } from "./clock.ts";
import { CommitLog, type CommitLogTotals } from "./commit-log.ts";
import { CommitTraces, sizeOf } from "./commit-traces.ts";
import { type CompactionThresholds, defaultThresholds, type StoredSize } from "./compaction-policy.ts";
import { Compactor } from "./compactor.ts";
import { DeletedDocuments } from "./deleted-documents.ts";
import { makeDirectConnectionsDurable } from "./direct-connections.ts";
import { DocumentCompaction } from "./document-compaction.ts";
import { applyEntries, type DocumentEntry, takeHeldBack } from "./document-entry.ts";
import { DocumentRemoval } from "./document-removal.ts";
import { type DocumentStats, sizeOfStored, statsOf, whyUnwritable } from "./document-stats.ts";
import { declareDurabilityMetrics } from "./durability-metrics.ts";
import { guardEvents } from "./guarded-events.ts";
import { consoleLogger, type DurabilityEvent, type DurabilityLogger, logEvent } from "./logging.ts";
import { Nesting } from "./nesting.ts";
import type { DurabilityOptions } from "./options.ts";
import type { Seed } from "./seed/index.ts";
import { sow } from "./seed/sow.ts";
import {
	type CatalogueQuery,
	type DeleteResult,
	DocumentDeletedError,
	type DocumentPage,
	type Store,
	type StoredDocument,
	StoreUnavailableError,
} from "./store.ts";
import { StoreFollower } from "./store-follower.ts";
import { StoreReader } from "./store-reader.ts";
import { StoredContent } from "./stored-content.ts";
import { wholeState } from "./stored-updates.ts";
import { buildWhenNeeded } from "./unbuilt-documents.ts";
import { isAlreadyLogged, isFromNode } from "./update-origin.ts";

/**
 * Makes an acknowledgement mean that the edit is on disk. A Hocuspocus extension, for our own node and for a stock
 * `Server` alike: it logs every update before it is acknowledged, loads documents from the log, and merges
 * logs into snapshots.
 *
 * Its priority is the highest there is: what another extension added before us, or kept from us by a listener that
 * throws, would not be logged.
 */
export class Durability implements Extension {
	readonly extensionName = "Durability";
	readonly priority = Number.POSITIVE_INFINITY;
	readonly #store: Store;
	readonly #seed: Seed | undefined;
	readonly #clock: Clock;
	readonly #logger: DurabilityLogger;
	readonly #commitLog: CommitLog;
	readonly #commitTraces: CommitTraces;
	readonly #compactor: Compactor;
	readonly #compaction: DocumentCompaction;
	readonly #reader: StoreReader;
	/** There when the store can be followed. */
	readonly #follower: StoreFollower | undefined;
	readonly #thresholds: CompactionThresholds;
	readonly #entries = new Map<string, DocumentEntry>();
	#instance: Hocuspocus | undefined;
	#tracing: Tracing | undefined;
	readonly #gates = new WeakMap<Connection, AckGate>();
	readonly #broken: BrokenDocuments;
	readonly #deleted = new DeletedDocuments();
	readonly #removal: DocumentRemoval;
	#onStored: ((documentName: string, stored: StoredDocument) => Promise<void>) | undefined;
	#opened: Promise<void> | undefined;
	#cancelIdleSweep: (() => void) | undefined;
	#closed = false;

	/** @throws {TypeError} without a store. */
	constructor(options: DurabilityOptions) {
		if (options?.store === undefined)
			throw new TypeError(
				"Durability needs a store: new Durability({ store: new SqliteStore({ path: … }) }), or a PostgresStore",
			);
		this.#store = options.store;
		this.#seed = options.seed;
		this.#clock = options.clock ?? systemClock;
		this.#logger = options.logger ?? consoleLogger;
		this.#thresholds = { ...defaultThresholds, ...options.compaction };
		const onEvent = (event: DurabilityEvent) => {
			logEvent(this.#logger, event);
			try {
				options.onEvent?.(event);
			} catch (error) {
				// It is called amid the commit, which has to go on.
				this.#logger.error({ err: error }, "the listener for durability events failed");
			}
		};
		this.#commitLog = new CommitLog({
			store: this.#store,
			clock: this.#clock,
			backlogBytesMax: options.backlogBytesMax ?? 64 * 1024 * 1024,
			commitIntervalMs: options.commitIntervalMs,
			commitDelayMs: options.commitDelayMs,
			onEvent,
			onAppended: (documentName, position) => this.#appended(documentName, position),
			onLost: (documentName) => this.#stateOf(documentName),
			onDeleted: (log) => this.#removal.refused(log),
		});
		this.#commitTraces = new CommitTraces(this.#commitLog);
		const [store, clock, entries] = [this.#store, this.#clock, this.#entries];
		this.#broken = new BrokenDocuments(clock, this.#logger);
		this.#compactor = new Compactor({ store, clock, onEvent });
		const [commitLog, compactor, thresholds] = [this.#commitLog, this.#compactor, this.#thresholds];
		this.#compaction = new DocumentCompaction({ commitLog, compactor, clock, thresholds });
		const onLost = (documentName: string, position: number) =>
			this.#commitLog.storeAnew(documentName, position);
		const onDeleted = (entry: DocumentEntry) => this.#removal.end(entry);
		this.#reader = new StoreReader({ store, clock, entries, onEvent, onLost, onDeleted });
		const { follow } = store;
		if (follow !== undefined)
			this.#follower = new StoreFollower({ follow, reader: this.#reader, clock, entries });
		this.#removal = new DocumentRemoval({
			store,
			commitLog,
			entries,
			reader: this.#reader,
			follower: this.#follower,
			deleted: this.#deleted,
			logger: this.#logger,
		});
	}

	/** Has other nodes told of deletions. `RedisBus` does it by itself for the `log` that it is given. */
	connect(relay: Relay): void {
		this.#removal.connect(relay);
	}

	/** For an extension that passes on to others what documents hold: `listener` is told of those that were deleted, at once. */
	onDeleted(listener: (document: Document) => void): void {
		this.#deleted.listen(listener);
	}

	/**
	 * Which documents are stored, whether anybody has them open or not.
	 * @throws {StoreConfigurationError} when the store can't say.
	 * @throws {StoreUnavailableError}
	 */
	async list(query: CatalogueQuery): Promise<DocumentPage> {
		await this.open();
		return await this.#removal.list(query);
	}

	/**
	 * Deletes a document for good, on all nodes that share the store [DUR7]: when it resolves, all of it has been removed from the store,
	 * and its name is refused (`document-deleted`) until it is {@link free}d. Whoever has it open is told, on other nodes within a second.
	 * @returns `deleted-before` when the name was refused already, `unknown` when nothing was stored under it, and nothing was done.
	 * @throws {StoreConfigurationError} when the store can't.
	 * @throws {StoreUnavailableError} when it is not known whether it is done: do it again.
	 */
	async delete(documentName: string): Promise<DeleteResult["status"]> {
		await this.open();
		return await this.#removal.delete(documentName);
	}

	/**
	 * Lets the name of a deleted document be used again. It is a new document then; whoever still has the old one in their browser brings
	 * it back.
	 * @returns Whether the name was that of a deleted document.
	 * @throws {StoreConfigurationError} @throws {StoreUnavailableError}
	 */
	async free(documentName: string): Promise<boolean> {
		await this.open();
		return await this.#removal.free(documentName);
	}

	/** Whether there is room for more updates, see {@link DurabilityOptions.backlogBytesMax}. */
	get accepting(): boolean {
		return this.#commitLog.accepting;
	}

	/** Why edits can't be made durable now, for the operator; empty when all is well. */
	get problems(): string[] {
		return this.#commitLog.problems;
	}

	declareMetrics(sink: MetricSink): void {
		declareDurabilityMetrics(sink, {
			commitLog: this.#commitLog,
			compactor: this.#compactor,
			entries: this.#entries,
			removal: this.#removal,
		});
	}

	/**
	 * What does not work for some, for the operator; empty when all is well. No reason to send people to another node, where it is no
	 * better. Whoever reaches `/readyz` may read it: it names no document.
	 */
	get degradations(): string[] {
		return [...whyUnwritable(this.#commitLog.failedDocuments), ...this.#reader.problems];
	}

	/** Updates and bytes that are not known to be durable, and totals since the start. */
	stats(): { backlogUpdates: number; backlogBytes: number } & CommitLogTotals {
		const { backlogUpdates, backlogBytes, totals } = this.#commitLog;
		return { backlogUpdates, backlogBytes, ...totals };
	}

	/**
	 * Opens the store. Called by itself when the server listens or a document is first loaded; call it before to
	 * learn of a store that can't work.
	 * @throws {StoreConfigurationError}
	 */
	open(): Promise<void> {
		this.#opened ??= this.#store.open().then(
			() => {
				if (this.#closed) return;
				this.#sweepIdle();
				this.#follower?.start();
			},
			(error) => {
				this.#opened = undefined;
				throw error;
			},
		);
		return this.#opened;
	}

	/**
	 * Resolves when everything that the document has received up to now is on disk.
	 * @throws {StoreUnavailableError} when the server ends first.
	 * @throws {DocumentDeletedError} when it is deleted first.
	 */
	durable(documentName: string): Promise<void> {
		return this.#commitLog.durable(documentName);
	}

	/**
	 * Resolves when everything is on disk that was written here, and not by other nodes, up to now.
	 * @throws {StoreUnavailableError} when the server ends first.
	 */
	written(documentName: string): Promise<void> {
		return this.#commitLog.written(documentName);
	}

	/**
	 * For an extension that brings in updates which another node is to log (their origin is Hocuspocus' `"redis"`):
	 * before anything is said to be durable, `source` is asked for those of the document that the other node has not
	 * confirmed, and what it gives is logged here. It gives each update once.
	 */
	answerFor(source: (documentName: string) => readonly Uint8Array[]): void {
		this.#commitLog.answerFor(source);
	}

	/** Logs now what the source of {@link answerFor} gives. */
	complete(documentName: string): void {
		const entry = this.#entries.get(documentName);
		if (entry !== undefined) this.#commitLog.complete(entry.log);
	}

	/** What is known of a document in memory without reading it; `undefined` for one that is not. Costs nothing. */
	documentStats(documentName: string): DocumentStats | undefined {
		const entry = this.#entries.get(documentName);
		return entry === undefined ? undefined : statsOf(entry);
	}

	/**
	 * Measures what is stored of a document, whoever wrote it, by reading all of it: that takes as long as opening it.
	 * @throws {DamagedDocumentError} @throws {StoreUnavailableError}
	 */
	async storedSize(documentName: string): Promise<StoredSize> {
		return sizeOfStored(await this.#store.load(documentName));
	}

	/** How large a document is at most that is in memory: what is stored of it, in bytes. */
	storedBytes(documentName: string): number | undefined {
		const entry = this.#entries.get(documentName);
		return entry === undefined ? undefined : entry.snapshotBytes + entry.logBytes;
	}

	/** Whether nothing is known to be amiss with a document in memory, so that it need not be read anew for the next one who opens it. */
	isSound(documentName: string): boolean {
		const entry = this.#entries.get(documentName);
		return entry !== undefined && entry.log.failure === undefined && !this.#reader.isDamaged(entry);
	}

	/** What stands before a connection to a document of this server. */
	gateOf(connection: Connection): AckGate | undefined {
		return this.#gates.get(connection);
	}

	/** Has `listener` told what is stored of a document, before that is brought into memory, which waits for it. */
	onStored(listener: (documentName: string, stored: StoredDocument) => Promise<void>): void {
		this.#onStored = listener;
	}

	/** Brings what other nodes have stored into a document that is open here, soon; does not wait. */
	readStore(documentName: string): void {
		this.#reader.read(documentName);
	}

	/**
	 * For an extension that brings in what other nodes write: whether it does so now. While nothing does, and that is so
	 * until this is called, the store is followed if it can be, so that nodes stay in step through it.
	 */
	hearsOthers(hears: boolean): void {
		this.#follower?.follow(!hears);
	}

	/**
	 * Nodes that share the store and are joined in the same way, this one among them; `undefined` when the store can't tell.
	 * @throws {StoreUnavailableError}
	 */
	async members(): Promise<number | undefined> {
		return this.#store.follow?.members();
	}

	/** Resolves when everything received up to now, by any document, is on disk. */
	flush(): Promise<void> {
		return this.#commitLog.flush();
	}

	async onConfigure({ instance }: onConfigurePayload): Promise<void> {
		this.#instance = instance;
		this.#tracing = tracingAmong(instance.configuration.extensions);
		this.#deleted.watch(instance);
		makeDirectConnectionsDurable(instance, this, this.#deleted);
	}

	async onListen(): Promise<void> {
		await this.open();
		this.#store.expectLoads?.();
	}

	onConnect(): Promise<void> {
		if (this.accepting) return nothing;
		return Promise.reject(new StoreUnavailableError("the write backlog is full; try again later"));
	}

	async onLoadDocument(payload: onLoadDocumentPayload): Promise<void> {
		try {
			await this.#load(payload);
		} catch (error) {
			discard(payload.document);
			throw error instanceof DocumentDeletedError ? this.#removal.refusalOf(payload.documentName) : error;
		}
	}

	async #load({ document, documentName, context, socketId }: onLoadDocumentPayload): Promise<void> {
		collectCarefully(document);
		await this.open();
		await this.#settled(documentName);
		const trace = this.#tracing?.opening(socketId, documentName);
		const startMs = this.#clock.now();
		const stored = await this.#store.load(documentName);
		const readMs = this.#clock.now();
		await this.#onStored?.(documentName, stored);
		this.#dropUnopened(documentName);
		const mergeMs = this.#clock.now();
		const content = this.#broken.isUnbuildable(documentName) ? undefined : StoredContent.of(stored);
		if (content === undefined) {
			await applyInTurns(document, stored, this.#clock);
			this.#broken.wasBuilt(documentName);
		}
		if (this.#removal.isGone(documentName, stored.generation ?? 0))
			throw new DocumentDeletedError(documentName);
		trace?.add("read store", startMs, readMs, { attributes: sizeOf(stored) });
		trace?.add("merge", mergeMs, this.#clock.now());
		// Nobody is here yet; the first client would get it all twice.
		document.flush();
		const entry: DocumentEntry = {
			document,
			log: this.#commitLog.document(documentName),
			loadedPosition: stored.position,
			readPosition: stored.position,
			isChangedHere: false,
			logBytes: stored.logBytes,
			logUpdates: stored.entries.reduce((sum, { updates }) => sum + updates.length, 0),
			addedBytes: 0,
			snapshotBytes: stored.snapshot?.update.byteLength ?? 0,
			isQuiet: false,
			compaction: { status: "none", notBeforeMs: 0 },
			pendingStructs: document.store.pendingStructs,
			pendingDeletes: document.store.pendingDs,
		};
		if (content !== undefined) buildWhenNeeded(document, content, () => this.#build(entry, content));
		entry.log.position = stored.position;
		entry.log.generation = stored.generation ?? 0;
		this.#entries.set(documentName, entry);
		this.#follower?.loaded(documentName);
		this.#follow(entry);
		if (stored.position === 0 && this.#seed !== undefined) await sow(this.#seed, document, context);
	}

	/** Somebody looks into it for the first time. */
	#build(entry: DocumentEntry, { updates }: StoredContent): void {
		const { document, loadedPosition } = entry;
		try {
			applyEntries(document, [{ position: loadedPosition, updates }]);
		} catch (error) {
			this.#broken.endUnbuildable(document, error);
			throw error;
		}
		// All of that is stored.
		entry.pendingStructs = document.store.pendingStructs;
		entry.pendingDeletes = document.store.pendingDs;
	}

	async afterLoadDocument({ document, documentName }: afterLoadDocumentPayload): Promise<void> {
		if (this.#deleted.has(document)) {
			this.#dropUnopened(documentName);
			throw this.#removal.refusalOf(documentName);
		}
		const entry = this.#entries.get(documentName);
		// What other nodes have brought is theirs to answer for, or is logged before anybody is told that it is saved.
		if (entry?.document !== document || !entry.isChangedHere || entry.log.isDurable) return;
		if (entry.loadedPosition > 0) {
			this.#logger.warn(
				{ documentName },
				"an onLoadDocument hook added content to a document that is stored already; if its text is there twice now, use `seed` instead (docs/seeding.md)",
			);
		}
		// What loading added must not be there once for those who saw it and once more after a crash.
		await this.#commitLog.durable(documentName);
	}

	/** Users' own `afterStoreDocument` hooks may rely on it. */
	async onStoreDocument({ documentName }: onStoreDocumentPayload): Promise<void> {
		await this.#over(documentName);
	}

	async beforeUnloadDocument({ documentName }: beforeUnloadDocumentPayload): Promise<void> {
		await this.#over(documentName);
	}

	/** Nothing is left to be written: all of it is durable, or it was deleted. */
	async #over(documentName: string): Promise<void> {
		try {
			await this.#commitLog.durable(documentName);
		} catch (error) {
			if (!(error instanceof DocumentDeletedError)) throw error;
		}
	}

	async afterUnloadDocument({ documentName }: afterUnloadDocumentPayload): Promise<void> {
		const entry = this.#entries.get(documentName);
		if (entry === undefined || !entry.document.isDestroyed) return;
		this.#entries.delete(documentName);
		this.#commitLog.release(documentName);
		this.#compaction.idle(entry);
	}

	async onDestroy(): Promise<void> {
		if (this.#closed) return;
		this.#closed = true;
		this.#cancelIdleSweep?.();
		this.#follower?.close();
		this.#reader.close();
		const lost = this.#commitLog.close();
		if (lost > 0) {
			this.#logger.error(
				{ updates: lost },
				"closed with updates that could not be written; none of them was acknowledged",
			);
		}
		await this.#compactor.close();
		await this.#store.close();
	}

	/** Waits for what an earlier stay of the document in memory has left to write, so that loading sees it. */
	async #settled(documentName: string): Promise<void> {
		if (this.#commitLog.isStuck(documentName)) {
			throw new StoreUnavailableError(
				`edits of ${JSON.stringify(documentName)} are still waiting for the store`,
			);
		}
		await this.#commitLog.durable(documentName);
	}

	#follow(entry: DocumentEntry): void {
		const { document, log } = entry;
		document.on("update", (update: Uint8Array, origin: unknown, _document: unknown, { deleteSet }) => {
			entry.isChangedHere ||= !isFromNode(origin);
			if (isAlreadyLogged(origin)) return;
			this.#append(entry, update, deleteSet.clients.size > 0);
			const trace = this.#tracing?.current;
			if (trace !== undefined) this.#commitTraces.follow(trace, entry.log);
		});
		document.on("afterTransaction", () => {
			for (const update of takeHeldBack(entry)) this.#append(entry, update, true);
		});
		guardEvents(document, this.#logger);
		const addConnection = document.addConnection.bind(document);
		const options: AckGateOptions = {
			log,
			commitLog: this.#commitLog,
			nesting: new Nesting(document),
			onUnfinished: () => this.#broken.endIfBroken(document),
		};
		document.addConnection = (connection) => {
			this.#gates.set(connection, AckGate.install(connection, options));
			// See AckGate: a client can be connected to a document that was just unloaded.
			if (this.#deleted.has(document)) this.#deleted.turnAway(connection);
			else if (document.isDestroyed) closeSocket(connection, gateCloseEvents.documentLeft);
			return addConnection(connection);
		};
	}

	#append(entry: DocumentEntry, update: Uint8Array, deletes: boolean): void {
		this.#commitLog.append(entry.log, update);
		entry.isQuiet = false;
		this.#compaction.appended(entry, update.byteLength, deletes);
	}

	#appended(documentName: string, position: number): void {
		const entry = this.#entries.get(documentName);
		// Otherwise another node has appended in between, what may not have come here.
		if (entry?.readPosition === position - 1) entry.readPosition = position;
		this.#follower?.appended(documentName);
	}

	/** The store has lost some of it: others may have stored what we have not read. */
	#stateOf(documentName: string): Uint8Array | undefined {
		const entry = this.#entries.get(documentName);
		if (entry === undefined || entry.document.isDestroyed) return undefined;
		entry.readPosition = 0;
		return wholeState(entry.document);
	}

	/** One timer for all documents. */
	#sweepIdle(): void {
		this.#cancelIdleSweep = this.#clock.after(this.#thresholds.idleMs, () => {
			for (const entry of this.#entries.values()) {
				if (this.#wasNeverOpened(entry)) this.#dropUnopened(entry.document.name);
				else if (entry.isQuiet) this.#compaction.idle(entry);
				entry.isQuiet = true;
			}
			this.#sweepIdle();
		});
	}

	/** Lets go of a document that nobody could open. What was added to it meanwhile is in the log. */
	#dropUnopened(documentName: string): void {
		const entry = this.#entries.get(documentName);
		if (entry === undefined) return;
		discard(entry.document);
		this.#entries.delete(documentName);
		this.#commitLog.release(documentName);
	}

	/** Another extension's hook failed after ours had loaded it. */
	#wasNeverOpened({ document }: DocumentEntry): boolean {
		const instance = this.#instance;
		if (instance === undefined || instance.loadingDocuments.has(document.name)) return false;
		return (
			instance.documents.get(document.name) !== document && !instance.unloadingDocuments.has(document.name)
		);
	}
}

/** Hocuspocus 4.7 forgets a document that could not be loaded, but its presence has a timer that keeps it in memory. */
function discard(document: Document): void {
	if (!document.isDestroyed) document.destroy();
}
