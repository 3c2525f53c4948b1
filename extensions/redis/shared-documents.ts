import type { Document, Hocuspocus } from "@hocuspocus/server";
import type { Clock } from "../durability/clock.ts";
import type { BusContext } from "./bus-context.ts";
import type { DocumentDigest, DocumentReceipt } from "./node-messages.ts";
import { SharedDocument } from "./shared-document.ts";
import type { SharedLog } from "./shared-log.ts";

export interface SharedDocumentsOptions {
	readonly clock: Clock;
	readonly log: SharedLog | undefined;
	readonly digestIntervalMs: number;
	readonly context: Omit<
		BusContext,
		"clock" | "log" | "flushSoon" | "receiptDue" | "gapOpened" | "readStore"
	>;
	/** Nobody has it open here any more: its channel is of no interest. */
	readonly onDropped: (documentName: string) => void;
}

/** An update that its sender has not confirmed by then is logged here. */
const confirmationMsMax = 3_000;
/** From loading a document to the first announcement of its digest. */
const firstDigestMsMax = 5_000;
/** Time that one round may take for digests, which cost in proportion to the documents. */
const digestBudgetMs = 10;
/** How long after its last message a stock node is reckoned with. */
const stockMemoryMs = 10 * 60_000;
/** Receipts of documents that have left memory and could not be sent yet. */
const leftReceiptsMax = 10_000;

/** The documents that this node has in memory, and what is due for them. It does not know who else is there. */
export class SharedDocuments {
	readonly #options: SharedDocumentsOptions;
	readonly #context: BusContext;
	readonly #documents = new Map<string, SharedDocument>();
	readonly #byKey = new Map<string, SharedDocument>();
	/** To flush at the end of this turn. */
	readonly #touched = new Set<SharedDocument>();
	readonly #withReceipt = new Set<SharedDocument>();
	#leftReceipts: DocumentReceipt[] = [];
	readonly #withGap = new Set<SharedDocument>();
	#stays = 0;

	constructor(options: SharedDocumentsOptions) {
		const { clock, log } = options;
		this.#options = options;
		this.#context = {
			...options.context,
			clock,
			log,
			flushSoon: (document) => this.#flushSoon(document),
			receiptDue: (document) => this.#withReceipt.add(document),
			gapOpened: (document) => this.#withGap.add(document),
			readStore: (name) => log?.readStore(name),
		};
	}

	get size(): number {
		return this.#documents.size;
	}

	get(documentName: string): SharedDocument | undefined {
		return this.#documents.get(documentName);
	}

	/** @param key See {@link SharedDocument.key}. */
	byKey(key: string): SharedDocument | undefined {
		return this.#byKey.get(key);
	}

	[Symbol.iterator](): IterableIterator<SharedDocument> {
		return this.#documents.values();
	}

	/** A document is about to be loaded. */
	create(documentName: string): void {
		const document = new SharedDocument(documentName, ++this.#stays, this.#context);
		this.#forget(this.#documents.get(documentName));
		this.#documents.set(documentName, document);
		this.#byKey.set(document.key, document);
	}

	/** The store has been read. */
	loaded(shared: SharedDocument, document: Document): void {
		shared.loaded(document);
		// Somebody may have opened it at the same moment and not have been asked.
		const { clock } = this.#options;
		shared.digestDueMs = clock.now() + firstDigestMsMax * clock.random();
	}

	/** It has left memory. */
	drop(document: SharedDocument): void {
		this.#forget(document);
		this.#documents.delete(document.name);
		this.#byKey.delete(document.key);
		this.#options.onDropped(document.name);
	}

	/** It was deleted. The next document of its name, on any node, is to hear nothing of it. */
	discard(document: Document): void {
		const shared = this.#documents.get(document.name);
		if (shared === undefined || shared.document !== document) return;
		shared.discard();
		this.drop(shared);
	}

	/** Publishes what this turn has brought. */
	flush(): void {
		const touched = [...this.#touched];
		this.#touched.clear();
		for (const document of touched) document.flush();
	}

	/** After messages may have been lost: states and presence are compared with the other nodes, and states with the store. */
	compareAll(): void {
		for (const document of this) document.mayBeHeard();
		this.announceDigests();
		this.readStore();
	}

	/** Has all digests announced in the next rounds. */
	announceDigests(): void {
		for (const document of this) document.digestDueMs = 0;
	}

	readStore(): void {
		for (const name of this.#documents.keys()) this.#context.readStore(name);
	}

	/** @returns How far documents are whose numbers have changed since the last call. */
	takeReceipts(): DocumentReceipt[] {
		const receipts = [...this.#leftReceipts, ...[...this.#withReceipt].map(({ receipt }) => receipt)];
		this.#leftReceipts = [];
		this.#withReceipt.clear();
		return receipts;
	}

	/** Looks after unanswered questions and unconfirmed updates. */
	tend(nowMs: number): void {
		for (const document of this.#withGap) if (!document.retryGaps(nowMs)) this.#withGap.delete(document);
		for (const { name, unconfirmedSinceMs } of this)
			if (unconfirmedSinceMs < nowMs - confirmationMsMax) this.#context.log?.complete(name);
	}

	/** Lets go of documents that could not be opened, of which Hocuspocus does not tell. */
	sweep(instance: Hocuspocus, nowMs: number): void {
		for (const document of this)
			if (document.digestDueMs <= nowMs && isAbandoned(document, instance)) this.drop(document);
	}

	/**
	 * Compares what is due with stock nodes.
	 * @param isHeard Whether there are nodes of our kind.
	 * @returns The digests that are due, for them.
	 */
	takeDigests(nowMs: number, isHeard: boolean): DocumentDigest[] {
		const { clock, digestIntervalMs } = this.#options;
		const digests: DocumentDigest[] = [];
		for (const document of this) {
			if (document.digestDueMs > nowMs || !document.isOpen) continue;
			document.digestDueMs = nowMs + digestIntervalMs * (0.75 + clock.random() / 2);
			if (document.introductionDue) document.introduce();
			if (document.stockHeardMs > nowMs - stockMemoryMs) document.compareWithStock();
			if (isHeard) digests.push({ key: document.key, digest: document.digest() });
			if (clock.now() - nowMs >= digestBudgetMs) break;
		}
		return digests;
	}

	#flushSoon(document: SharedDocument): void {
		if (this.#touched.size === 0) this.#options.clock.afterTurn(() => this.flush());
		this.#touched.add(document);
	}

	#forget(document: SharedDocument | undefined): void {
		if (document === undefined) return;
		document.leave();
		this.#withGap.delete(document);
		this.#withReceipt.delete(document);
		if (document.receipt.sequence > 0 && this.#leftReceipts.length < leftReceiptsMax)
			this.#leftReceipts.push(document.receipt);
	}
}

function isAbandoned({ name, document }: SharedDocument, instance: Hocuspocus): boolean {
	if (instance.loadingDocuments.has(name) || instance.unloadingDocuments.has(name)) return false;
	return document === undefined || instance.documents.get(name) !== document;
}
