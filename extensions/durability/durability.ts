import type {
	afterLoadDocumentPayload,
	afterUnloadDocumentPayload,
	beforeUnloadDocumentPayload,
	Connection,
	Extension,
	Hocuspocus,
	onConfigurePayload,
	onLoadDocumentPayload,
	onStoreDocumentPayload,
	RedisTransactionOrigin,
} from "@hocuspocus/server";
import { type Document, isTransactionOrigin } from "@hocuspocus/server";
import { applyUpdate } from "yjs";
import { leaveWithLastClient } from "../linger/leaving.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";
import type { Tracing } from "../tracing/index.ts";
import { tracingAmong } from "../tracing/tracing-among.ts";
import { AckGate, type AckGateOptions, closeSocket, gateCloseEvents } from "./ack-gate.ts";
import { applyInTurns } from "./apply-in-turns.ts";
import { type Clock, systemClock } from "./clock.ts";
import { CommitLog, type CommitLogTotals } from "./commit-log.ts";
import { CommitTraces, sizeOf } from "./commit-traces.ts";
import {
	type CompactionThresholds,
	defaultThresholds,
	isDueByIdleness,
	isDueBySize,
	type StoredSize,
} from "./compaction-policy.ts";
import { Compactor } from "./compactor.ts";
import { makeDirectConnectionsDurable } from "./direct-connections.ts";
import { type DocumentEntry, takeHeldBack } from "./document-entry.ts";
import { declareDurabilityMetrics } from "./durability-metrics.ts";
import { consoleLogger, type DurabilityEvent, type DurabilityLogger, logEvent } from "./logging.ts";
import { Nesting } from "./nesting.ts";
import { type Seed, seedUpdate } from "./seed/index.ts";
import { type Store, type StoredDocument, StoreUnavailableError } from "./store.ts";
import { StoreFollower } from "./store-follower.ts";
import { StoreReader } from "./store-reader.ts";
import { wholeState } from "./stored-updates.ts";

export interface DurabilityOptions {
	/** Where the log and the snapshots are. The extension opens it, and closes it in `onDestroy`. */
	readonly store: Store;
	/** Called for a document that was never stored; what it returns becomes its first log entry, exactly once. */
	readonly seed?: Seed | undefined;
	/**
	 * Memory for updates that wait for a store that fails, in bytes, 64 MiB by default. Past it, whoever sends an
	 * update is closed with 1013, and nobody new is let in until half of it is written.
	 */
	readonly backlogBytesMax?: number | undefined;
	/**
	 * Longest time from the start of one commit to the start of the next, in ms; 50 by default. Commits are spaced out under
	 * load only, where it saves processor time; acknowledgements wait that much longer then.
	 */
	readonly commitIntervalMs?: number | undefined;
	/**
	 * Time that an edit waits for more before it is committed, in ms; 0 by default. It saves disk writes while people type,
	 * and keeps their acknowledgements waiting that much longer; server-side code that awaits its edit does not wait.
	 */
	readonly commitDelayMs?: number | undefined;
	/** When logs are merged into snapshots. */
	readonly compaction?: Partial<CompactionThresholds> | undefined;
	readonly logger?: DurabilityLogger | undefined;
	readonly onEvent?: ((event: DurabilityEvent) => void) | undefined;
	/** For tests. */
	readonly clock?: Clock | undefined;
}

export interface DocumentStats {
	/** Size of the snapshot as a Yjs update. */
	readonly snapshotBytes: number;
	/** Bytes of the updates in the log since the snapshot. */
	readonly logBytes: number;
	readonly logUpdates: number;
	/** Of the newest log entry that is known here. */
	readonly position: number;
	/** Updates that this server has logged since the document came into memory. */
	readonly appended: number;
	/** Of these, not known to be durable. */
	readonly waiting: number;
	readonly isCompacting: boolean;
	/** Why it can't be written, while it alone can't. */
	readonly failure: string | undefined;
}

/**
 * When a listener of these throws, Yjs 13.6 emits no `update` for the edit, or for none that comes after it, and yet keeps
 * them all.
 */
const unguardedEvents: ReadonlySet<string> = new Set([
	"beforeAllTransactions",
	"beforeTransaction",
	"afterTransactionCleanup",
	"update",
	"updateV2",
	"subdocs",
]);

/** After a compaction failed, so that a document that can't be compacted is not tried with every edit. */
const failedCompactionPauseMs = 60_000;

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
	readonly #reader: StoreReader;
	/** There when the store can be followed. */
	readonly #follower: StoreFollower | undefined;
	readonly #thresholds: CompactionThresholds;
	readonly #entries = new Map<string, DocumentEntry>();
	#instance: Hocuspocus | undefined;
	#tracing: Tracing | undefined;
	readonly #gates = new WeakMap<Connection, AckGate>();
	/** Documents in which Yjs has not ended a transaction, until it is known whether it does. */
	readonly #suspects = new Set<Document>();
	#onStored: ((documentName: string, stored: StoredDocument) => Promise<void>) | undefined;
	#opened: Promise<void> | undefined;
	#cancelIdleSweep: (() => void) | undefined;
	#closed = false;

	constructor(options: DurabilityOptions) {
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
		});
		this.#commitTraces = new CommitTraces(this.#commitLog);
		const [store, clock, entries] = [this.#store, this.#clock, this.#entries];
		this.#compactor = new Compactor({ store, clock, onEvent });
		const onLost = (documentName: string, position: number) =>
			this.#commitLog.storeAnew(documentName, position);
		this.#reader = new StoreReader({ store, clock, entries, onEvent, onLost });
		const { follow } = store;
		if (follow !== undefined)
			this.#follower = new StoreFollower({ follow, reader: this.#reader, clock, entries });
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
		});
	}

	/**
	 * What does not work for some, for the operator; empty when all is well. No reason to send people to another node, where it is no
	 * better. Whoever reaches `/readyz` may read it: it names no document.
	 */
	get degradations(): string[] {
		const { failedDocuments } = this.#commitLog;
		if (failedDocuments === 0) return this.#reader.problems;
		const unwritable =
			failedDocuments === 1
				? "1 document can't be written; the log names it"
				: `${failedDocuments} documents can't be written; the log names them`;
		return [unwritable, ...this.#reader.problems];
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
		if (entry === undefined) return undefined;
		const { log, snapshotBytes, logBytes, logUpdates } = entry;
		return {
			snapshotBytes,
			logBytes,
			logUpdates,
			position: Math.max(log.position, entry.readPosition),
			appended: log.appended,
			waiting: log.appended - log.durable,
			isCompacting: entry.compaction.status === "running",
			failure: log.failure?.error.message,
		};
	}

	/**
	 * Measures what is stored of a document, whoever wrote it, by reading all of it: that takes as long as opening it.
	 * @throws {DamagedDocumentError} @throws {StoreUnavailableError}
	 */
	async storedSize(documentName: string): Promise<StoredSize> {
		const { snapshot, entries, logBytes } = await this.#store.load(documentName);
		const logUpdates = entries.reduce((sum, { updates }) => sum + updates.length, 0);
		return { snapshotBytes: snapshot?.update.byteLength ?? 0, logBytes, logUpdates };
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
		makeDirectConnectionsDurable(instance, this);
	}

	async onListen(): Promise<void> {
		await this.open();
	}

	async onConnect(): Promise<void> {
		if (!this.accepting) throw new StoreUnavailableError("the write backlog is full; try again later");
	}

	async onLoadDocument(payload: onLoadDocumentPayload): Promise<void> {
		try {
			await this.#load(payload);
		} catch (error) {
			discard(payload.document);
			throw error;
		}
	}

	async #load({ document, documentName, context, socketId }: onLoadDocumentPayload): Promise<void> {
		await this.open();
		await this.#settled(documentName);
		const trace = this.#tracing?.opening(socketId, documentName);
		const startMs = this.#clock.now();
		const stored = await this.#store.load(documentName);
		const readMs = this.#clock.now();
		await this.#onStored?.(documentName, stored);
		this.#dropUnopened(documentName);
		const mergeMs = this.#clock.now();
		await applyInTurns(document, stored, this.#clock);
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
			snapshotBytes: stored.snapshot?.update.byteLength ?? 0,
			lastAppendMs: this.#clock.now(),
			compaction: { status: "none", notBeforeMs: 0 },
			pendingStructs: document.store.pendingStructs,
			pendingDeletes: document.store.pendingDs,
		};
		entry.log.position = stored.position;
		this.#entries.set(documentName, entry);
		this.#follower?.loaded(documentName);
		this.#follow(entry);
		if (stored.position === 0) await this.#sow(document, context);
	}

	async afterLoadDocument({ document, documentName }: afterLoadDocumentPayload): Promise<void> {
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
		await this.#commitLog.durable(documentName);
	}

	async beforeUnloadDocument({ documentName }: beforeUnloadDocumentPayload): Promise<void> {
		await this.#commitLog.durable(documentName);
	}

	async afterUnloadDocument({ documentName }: afterUnloadDocumentPayload): Promise<void> {
		const entry = this.#entries.get(documentName);
		if (entry === undefined || !entry.document.isDestroyed) return;
		this.#entries.delete(documentName);
		this.#commitLog.release(documentName);
		if (isDueByIdleness(entry, this.#thresholds)) this.#compact(entry);
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
		document.on("update", (update: Uint8Array, origin: unknown) => {
			entry.isChangedHere ||= !isFromNode(origin);
			if (isAlreadyLogged(origin)) return;
			this.#append(entry, update);
			const trace = this.#tracing?.current;
			if (trace !== undefined) this.#commitTraces.follow(trace, entry.log);
		});
		document.on("afterTransaction", () => {
			for (const update of takeHeldBack(entry)) this.#append(entry, update);
		});
		const emit = document.emit.bind(document);
		document.emit = (name, payload) => {
			// Most of what Yjs tells with each edit nobody wants to know.
			if (!document._observers.has(name)) return;
			if (!unguardedEvents.has(name)) return emit(name, payload);
			try {
				emit(name, payload);
			} catch (error) {
				this.#logger.error({ err: error, documentName: document.name }, `a listener of "${name}" failed`);
			}
		};
		const addConnection = document.addConnection.bind(document);
		const options: AckGateOptions = {
			log,
			commitLog: this.#commitLog,
			nesting: new Nesting(document),
			onUnfinished: () => this.#endIfBroken(document),
		};
		document.addConnection = (connection) => {
			this.#gates.set(connection, AckGate.install(connection, options));
			// See AckGate: a client can be connected to a document that was just unloaded.
			if (document.isDestroyed) closeSocket(connection, gateCloseEvents.documentLeft);
			return addConnection(connection);
		};
	}

	/**
	 * Transactions end with the turn in which they begin. Where Yjs did not get to the end of one, its document takes edits and tells
	 * nobody of them any more. It leaves memory, and its clients come back to what is logged with what was not acknowledged [TRN5].
	 */
	#endIfBroken(document: Document): void {
		if (this.#suspects.has(document)) return;
		this.#suspects.add(document);
		this.#clock.after(0, () => {
			this.#suspects.delete(document);
			if (document._transactionCleanups.length === 0) return;
			this.#logger.error(
				{ documentName: document.name },
				"Yjs did not survive an edit of a document; it is loaded again, and its clients come back",
			);
			leaveWithLastClient(document);
			for (const connection of document.getConnections()) connection.close(gateCloseEvents.documentLeft);
		});
	}

	#append(entry: DocumentEntry, update: Uint8Array): void {
		this.#commitLog.append(entry.log, update);
		entry.logBytes += update.byteLength;
		entry.logUpdates += 1;
		entry.lastAppendMs = this.#clock.now();
		if (isDueBySize(entry, this.#thresholds)) this.#compact(entry);
	}

	#compact(entry: DocumentEntry): void {
		if (entry.compaction.status === "running" || this.#clock.now() < entry.compaction.notBeforeMs) return;
		entry.compaction = { status: "running" };
		// What is not written yet can't be merged, and must not be counted as if it were.
		this.#commitLog.durable(entry.document.name).then(
			() => this.#requestCompaction(entry),
			() => {
				// The log was closed; nothing is compacted any more.
			},
		);
	}

	#requestCompaction(entry: DocumentEntry): void {
		const { logBytes, logUpdates } = entry;
		const isRequested = this.#compactor.request(entry.document.name, {
			gc: entry.document.gc,
			done: (result) => {
				if (result === undefined) {
					entry.compaction = { status: "none", notBeforeMs: this.#clock.now() + failedCompactionPauseMs };
					return;
				}
				entry.compaction = { status: "none", notBeforeMs: 0 };
				// What was appended since is still in the log.
				entry.logBytes -= logBytes;
				entry.logUpdates -= logUpdates;
				if (result.status === "compacted") entry.snapshotBytes = result.snapshotBytes;
			},
		});
		// It may still be under way from an earlier stay in memory: the next edit asks again.
		if (!isRequested) entry.compaction = { status: "none", notBeforeMs: 0 };
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
			const idleSinceMs = this.#clock.now() - this.#thresholds.idleMs;
			for (const entry of this.#entries.values()) {
				if (this.#wasNeverOpened(entry)) this.#dropUnopened(entry.document.name);
				else if (entry.lastAppendMs <= idleSinceMs && isDueByIdleness(entry, this.#thresholds))
					this.#compact(entry);
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

	/** @throws {SeedError} */
	async #sow(document: Document, context: unknown): Promise<void> {
		if (this.#seed === undefined) return;
		let update: Uint8Array | undefined;
		try {
			update = await seedUpdate(await this.#seed(document.name, context));
		} catch (error) {
			throw new SeedError(document.name, error as Error);
		}
		// It is not marked as loaded, so it is logged like any other edit.
		if (update !== undefined) applyUpdate(document, update, { source: "local", context });
	}
}

/** Hocuspocus 4.7 forgets a document that could not be loaded, but its presence has a timer that keeps it in memory. */
function discard(document: Document): void {
	if (!document.isDestroyed) document.destroy();
}

/** The `seed` hook failed, so the document was not opened. Nothing was stored; the next try calls it again. */
export class SeedError extends Error {
	override readonly name = "SeedError";
	/** Hocuspocus sends this to the client in its PermissionDenied message. */
	readonly reason = "seed-failed";

	constructor(documentName: string, cause: Error) {
		super(`the seed hook failed for ${JSON.stringify(documentName)}: ${cause.message}`, { cause });
	}
}

function isFromNode(origin: unknown): origin is RedisTransactionOrigin {
	return isTransactionOrigin(origin) && origin.source === "redis";
}

/** By the node that it came from, unless the origin says that it does not log. */
function isAlreadyLogged(origin: unknown): boolean {
	return isFromNode(origin) && !("isLogged" in origin && origin.isLogged === false);
}
