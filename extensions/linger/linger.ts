import type {
	connectedPayload,
	Document,
	Extension,
	Hocuspocus,
	onConfigurePayload,
} from "@hocuspocus/server";
import { encodeStateAsUpdate } from "yjs";
import { type Clock, systemClock } from "../durability/clock.ts";
import { consoleLogger, type DurabilityLogger } from "../durability/logging.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";
import { Tally } from "../metrics/tally.ts";
import { nothing } from "../nothing.ts";
import { documentMemory } from "./document-memory.ts";
import { leavesWithLastClient, leaveWithLastClient } from "./leaving.ts";
import { WaitingRoom } from "./waiting-room.ts";

export interface LingerOptions {
	/** How long documents stay in memory after their last client has left, in ms; 15 s by default, and 0 for not at all. */
	readonly lingerMs?: number | undefined;
	/** Documents that may linger at a time; 1,000 by default. Those go first that linger for longest. */
	readonly documentsMax?: number | undefined;
	/** About the memory that all of them may take, in bytes; 64 MiB by default. */
	readonly bytesMax?: number | undefined;
	/** The size of a document that is in memory, in bytes. By default it is encoded to see. */
	readonly contentBytes?: ((document: Document) => number) | undefined;
	/** Whether this document may linger now. */
	readonly mayLinger?: ((document: Document) => boolean) | undefined;
	readonly logger?: DurabilityLogger | undefined;
	/** For tests. */
	readonly clock?: Clock | undefined;
}

/** Between two looks at whose time is over, in ms. */
const sweepMsMin = 500;
const MiB = 1024 * 1024;

/**
 * Keeps documents in memory for some time after the last client has left, so that whoever opens them again does not have them
 * read and built anew. A Hocuspocus extension. All else about such a document is as with one that has clients: it hears of other nodes' edits, and leaves
 * memory as it always does, only later.
 */
export class Linger implements Extension {
	readonly extensionName = "Linger";
	readonly #options: LingerOptions;
	readonly #lingerMs: number;
	readonly #clock: Clock;
	readonly #logger: DurabilityLogger;
	readonly #room: WaitingRoom<Document>;
	/** Those that had a client: code on the server, which may look at all documents there are, keeps none from leaving. */
	readonly #visited = new WeakSet<Document>();
	readonly #endings = new Tally("how");
	#unload: Hocuspocus["unloadDocument"] | undefined;
	#cancelSweep: (() => void) | undefined;
	#hasEnded = false;

	constructor(options: LingerOptions = {}) {
		const { lingerMs = 15_000, documentsMax = 1_000, bytesMax = 64 * MiB } = options;
		this.#options = options;
		this.#lingerMs = lingerMs;
		this.#clock = options.clock ?? systemClock;
		this.#logger = options.logger ?? consoleLogger;
		this.#room = new WaitingRoom({ countMax: documentsMax, bytesMax });
	}

	/** What lingers now: documents, and about the memory that they take. */
	stats(): { documents: number; bytes: number } {
		return { documents: this.#room.count, bytes: this.#room.bytes };
	}

	declareMetrics(sink: MetricSink): void {
		sink.gauge(
			"indelible_lingering_documents",
			"Documents that are kept in memory though their last client has left",
			() => this.#room.count,
		);
		sink.gauge(
			"indelible_lingering_bytes",
			"About the memory that lingering documents take",
			() => this.#room.bytes,
		);
		sink.tally(
			"indelible_lingered_total",
			"Documents that have lingered, by how it ended: somebody opened them again, their time was over, others needed the room, or all had to go",
			() => this.#endings,
		);
	}

	/** Has all that linger leave memory, as far as they are saved. @returns How many there were. */
	release(): number {
		const documents = this.#room.takeAll();
		this.#leave(documents, "released");
		return documents.length;
	}

	/** Has this document leave memory with its last client, or at once. */
	releaseDocument(document: Document): void {
		leaveWithLastClient(document);
		if (this.#room.leave(document)) this.#leave([document], "released");
	}

	/** From now on, for good, nothing lingers: the server ends. */
	end(): void {
		this.#hasEnded = true;
		this.release();
		this.#cancelSweep?.();
	}

	async onConfigure({ instance }: onConfigurePayload): Promise<void> {
		if (this.#lingerMs === 0) return;
		const unload = instance.unloadDocument.bind(instance);
		this.#unload = unload;
		instance.unloadDocument = async (document) => {
			if (this.#mayLinger(document, instance)) this.#enter(document);
			else {
				this.#room.leave(document);
				await unload(document);
			}
		};
		// A server that ends, and whoever wants a document to be loaded anew, say so with it, and wait for `afterUnloadDocument`.
		const closeConnections = instance.closeConnections.bind(instance);
		instance.closeConnections = (documentName) => {
			for (const document of instance.documents.values())
				if (!documentName || document.name === documentName) this.releaseDocument(document);
			closeConnections(documentName);
		};
	}

	connected({ connection }: connectedPayload): Promise<void> {
		const { document } = connection;
		// It may have left already.
		if (document.getConnectionsCount() === 0) return nothing;
		this.#visited.add(document);
		if (this.#room.leave(document)) this.#endings.add("opened");
		return nothing;
	}

	async onDestroy(): Promise<void> {
		this.end();
	}

	#mayLinger(document: Document, instance: Hocuspocus): boolean {
		const { name } = document;
		if (this.#hasEnded || !this.#visited.has(document) || leavesWithLastClient(document)) return false;
		if (instance.documents.get(name) !== document || instance.unloadingDocuments.has(name)) return false;
		if (!instance.shouldUnloadDocument(document)) return false;
		// Yjs did not get to the end of it, and tells nobody of changes any more.
		if (document._transactionCleanups.length > 0) return false;
		return this.#options.mayLinger?.(document) ?? true;
	}

	#enter(document: Document): void {
		if (this.#room.has(document)) return;
		const bytes = documentMemory(document, this.#contentBytes(document));
		if (!this.#room.takes(bytes)) {
			this.#leave([document], "crowded");
			return;
		}
		const untilMs = this.#clock.now() + this.#lingerMs;
		this.#leave(this.#room.enter(document, { bytes, untilMs }), "crowded");
		this.#sweepLater();
		// After all that tells others of those who have left.
		this.#clock.afterTurn(() => {
			if (document.getConnectionsCount() > 0 || document.isDestroyed) return;
			try {
				forgetGone(document);
			} catch (err) {
				// Somebody's listener for presence.
				this.#logger.error({ err, documentName: document.name }, "a listener of a document failed");
			}
		});
	}

	#contentBytes(document: Document): number {
		return this.#options.contentBytes?.(document) ?? encodeStateAsUpdate(document).byteLength;
	}

	#leave(documents: readonly Document[], how: "over" | "crowded" | "released"): void {
		for (const document of documents) {
			this.#endings.add(how);
			this.#unload?.(document).catch((err) =>
				this.#logger.error({ err, documentName: document.name }, "a document could not leave memory"),
			);
		}
	}

	/** One timer for all, and none when nothing lingers. */
	#sweepLater(): void {
		const { nextMs } = this.#room;
		if (this.#cancelSweep !== undefined || nextMs === undefined) return;
		const inMs = Math.max(nextMs - this.#clock.now(), Math.min(sweepMsMin, this.#lingerMs));
		this.#cancelSweep = this.#clock.after(inMs, () => {
			this.#cancelSweep = undefined;
			this.#leave(this.#room.takeOver(this.#clock.now()), "over");
			this.#sweepLater();
		});
	}
}

/** As in a document that is opened anew: who comes back says the same as before, which would count as old. */
function forgetGone(document: Document): void {
	const { clientID, meta, states } = document.awareness;
	document.flush();
	for (const clientId of meta.keys())
		if (clientId !== clientID && !states.has(clientId)) meta.delete(clientId);
}
