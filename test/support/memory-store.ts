import { MeaninglessUpdate, merge } from "../../extensions/durability/merge.ts";
import {
	type AppendRequest,
	type AppendResult,
	type Catalogue,
	type CatalogueQuery,
	type CompactionResult,
	type CompactOptions,
	DamagedDocumentError,
	type DeleteResult,
	DocumentDeletedError,
	type DocumentPage,
	type Follow,
	type FollowRequest,
	type FollowResult,
	type FollowSignal,
	type LogEntry,
	type Snapshot,
	type Store,
	type StoredDocument,
	StoreUnavailableError,
} from "../../extensions/durability/store.ts";

interface DiskDocument {
	snapshot: Snapshot | undefined;
	entries: LogEntry[];
}

/** What a {@link MemoryStore} has made durable: it outlives the store's crash. */
export class MemoryDisk {
	readonly #documents = new Map<string, DiskDocument>();
	readonly #damaged = new Set<string>();
	readonly #deleted = new Set<string>();
	readonly #generations = new Map<string, number>();
	/** What stores that share this disk announce to each other: the sender, and the documents. */
	readonly announcements = new Set<
		(sender: MemoryStore, documentNames: ReadonlySet<string>, isFollowing: boolean) => void
	>();

	/** From now on the document does not read back. */
	damage(documentName: string): void {
		this.#damaged.add(documentName);
	}

	/** Loses the last entries of a document, as a failover to a standby that lagged does. */
	forget(documentName: string, entries: number): void {
		this.#documents.get(documentName)?.entries.splice(-entries);
	}

	get documentNames(): string[] {
		return [...this.#documents.keys()];
	}

	generation(documentName: string): number {
		return this.#generations.get(documentName) ?? 0;
	}

	/** Whether a document of this generation was deleted. */
	isDeleted(documentName: string, generation: number): boolean {
		return this.#deleted.has(documentName) || generation !== this.generation(documentName);
	}

	delete(documentName: string, evenIfUnknown: boolean): DeleteResult {
		if (this.#deleted.has(documentName))
			return { status: "deleted-before", generation: this.generation(documentName) };
		if (!this.#documents.has(documentName) && !evenIfUnknown) return { status: "unknown" };
		this.#documents.delete(documentName);
		this.#damaged.delete(documentName);
		this.#deleted.add(documentName);
		this.#generations.set(documentName, this.generation(documentName) + 1);
		return { status: "deleted", generation: this.generation(documentName) };
	}

	free(documentName: string): boolean {
		return this.#deleted.delete(documentName);
	}

	/** @throws {DamagedDocumentError} @throws {DocumentDeletedError} */
	read(documentName: string): DiskDocument {
		if (this.#deleted.has(documentName)) throw new DocumentDeletedError(documentName);
		if (this.#damaged.has(documentName)) throw new DamagedDocumentError(documentName, "the test said so");
		const { snapshot, entries } = this.#documents.get(documentName) ?? { snapshot: undefined, entries: [] };
		return { snapshot, entries: [...entries] };
	}

	/** @throws {DamagedDocumentError} */
	append(documentName: string, updates: readonly Uint8Array[]): number {
		const document = this.read(documentName);
		const position = endOf(document) + 1;
		document.entries.push({ position, updates });
		this.#documents.set(documentName, document);
		return position;
	}

	/** @returns Whether the snapshot was still the one that was merged. */
	replace(documentName: string, basis: number, snapshot: Snapshot, generation: number): boolean {
		if (this.isDeleted(documentName, generation)) throw new DocumentDeletedError(documentName);
		const document = this.read(documentName);
		if ((document.snapshot?.position ?? 0) !== basis) return false;
		const entries = document.entries.filter(({ position }) => position > snapshot.position);
		this.#documents.set(documentName, { snapshot, entries });
		return true;
	}
}

function endOf({ snapshot, entries }: DiskDocument): number {
	return entries.at(-1)?.position ?? snapshot?.position ?? 0;
}

/** A call that waits for the test, see {@link MemoryStore.hold}. */
export interface HeldCall {
	readonly kind: "open" | "load" | "append" | "compact" | "follow" | "list" | "delete" | "free";
	/** The documents that it is about. */
	readonly documentNames: readonly string[];
	/** Does it, as far as the disk goes, without answering: as when the process dies right after the commit. */
	perform(): void;
	/** Does it, if it is not done yet, and answers. */
	complete(): void;
	/** Answers with an error. What was performed stays so. */
	fail(error?: Error): void;
}

/**
 * A store in memory that fails on demand, for tests that own every step. It has no timers: a call is answered in a
 * microtask or, while calls are held, when the test says so.
 */
export class MemoryStore implements Store {
	readonly location = "memory";
	readonly disk: MemoryDisk;
	/** Calls that wait for the test, in the order in which they came. */
	readonly held: HeldCall[] = [];
	#status: "new" | "open" | "closed" | "crashed" = "new";
	#holding = false;
	#appendFailures: { readonly error: Error; readonly commits: boolean }[] = [];
	readonly #failingDocuments = new Map<string, Error>();
	readonly follow?: Follow;
	readonly catalogue: Catalogue = {
		list: (query) => this.#open("list", [], () => this.#list(query)),
		delete: (documentName, { evenIfUnknown = false } = {}) =>
			this.#open("delete", [documentName], () => this.disk.delete(documentName, evenIfUnknown)),
		free: (documentName) => this.#open("free", [documentName], () => this.disk.free(documentName)),
	};
	readonly #listeners = new Map<(signal: FollowSignal) => void, () => void>();
	#isDeaf = false;

	/** @param options `isShared`: several stores on the disk can follow each other, as with a database. */
	constructor(disk: MemoryDisk = new MemoryDisk(), { isShared = false } = {}) {
		this.disk = disk;
		if (isShared) {
			this.follow = {
				entriesAfter: (requests) => this.#entriesAfter(requests),
				members: async () => this.disk.announcements.size,
				listen: (listener) => this.#listen(listener),
				announce: (documentNames, isFollowing) => this.#announce(documentNames, isFollowing),
			};
		}
	}

	/** From now on this store hears no announcements, and makes none. */
	deafen(): void {
		this.#isDeaf = true;
		const error = new StoreUnavailableError("the test said so");
		for (const listener of this.#listeners.keys()) listener({ type: "deaf", error });
	}

	/** Undoes {@link deafen}. */
	undeafen(): void {
		this.#isDeaf = false;
		for (const listener of this.#listeners.keys()) listener({ type: "listening" });
	}

	/** The next `count` appends fail as a whole, and nothing of them is written. */
	failAppends(count: number, error: Error = full()): void {
		for (let index = 0; index < count; index += 1) this.#appendFailures.push({ error, commits: false });
	}

	/** The next `count` appends are written, but reported as failed: the answer was lost on its way. */
	loseAnswers(count: number, error: Error = full()): void {
		for (let index = 0; index < count; index += 1) this.#appendFailures.push({ error, commits: true });
	}

	/** Appends to this document fail alone until {@link healDocument}. */
	failDocument(documentName: string, error: Error = new Error("its rows can't be written")): void {
		this.#failingDocuments.set(documentName, error);
	}

	healDocument(documentName: string): void {
		this.#failingDocuments.delete(documentName);
	}

	/** From now on every call waits in {@link held}: for good, unless the test completes it. */
	hold(): void {
		this.#holding = true;
	}

	/** Completes what waits, and holds nothing any more. */
	release(): void {
		this.#holding = false;
		for (const call of this.held.splice(0)) call.complete();
	}

	/** The process is gone: nothing that waits is ever done or answered. @returns A store over what is durable. */
	crash(): MemoryStore {
		this.#status = "crashed";
		this.held.length = 0;
		this.#endListening();
		return new MemoryStore(this.disk, { isShared: this.follow !== undefined });
	}

	open(): Promise<void> {
		return this.#call("open", [], () => {
			this.#status = "open";
		});
	}

	load(documentName: string): Promise<StoredDocument> {
		if (this.#status !== "open") return this.#refuse();
		return this.#call("load", [documentName], () => {
			const document = this.disk.read(documentName);
			let logBytes = 0;
			for (const { updates } of document.entries)
				for (const { byteLength } of updates) logBytes += byteLength;
			const generation = this.disk.generation(documentName) || undefined;
			return { ...document, position: endOf(document), logBytes, generation };
		});
	}

	append(batch: readonly AppendRequest[]): Promise<readonly AppendResult[]> {
		if (this.#status !== "open") return this.#refuse();
		if (batch.some(({ updates }) => updates.length === 0)) {
			return Promise.reject(new TypeError("a log entry needs at least one update"));
		}
		const names = batch.map(({ documentName }) => documentName);
		const failure = this.#appendFailures.shift();
		// The caller may use its buffers again once it has called.
		const copies = batch.map(({ documentName, updates, generation }) => ({
			documentName,
			generation,
			updates: updates.map((update) => new Uint8Array(update)),
		}));
		return this.#call("append", names, () => {
			if (failure === undefined) return copies.map((request) => this.#appendOne(request));
			if (failure.commits) for (const request of copies) this.#appendOne(request);
			throw failure.error;
		});
	}

	async compact(documentName: string, { gc }: CompactOptions): Promise<CompactionResult> {
		if (this.#status !== "open") return this.#refuse();
		// Merged now and put in place later, as a real store does: entries may come in between.
		const stored = this.disk.read(documentName);
		const generation = this.disk.generation(documentName);
		const basis = stored.snapshot?.position ?? 0;
		const position = endOf(stored);
		if (stored.entries.length === 0) {
			return this.#call("compact", [documentName], () => ({ status: "unchanged", position }));
		}
		const update = mergeOrExplain(documentName, stored, gc);
		const replaced = await this.#call("compact", [documentName], () =>
			this.disk.replace(documentName, basis, { position, update }, generation),
		);
		if (!replaced) return this.compact(documentName, { gc });
		const bytes = update.byteLength;
		const entriesMerged = stored.entries.length;
		return { status: "compacted", position, entriesMerged, snapshotBytes: bytes, storedBytes: bytes };
	}

	async close(): Promise<void> {
		if (this.#status === "open") this.#status = "closed";
		this.#endListening();
	}

	#entriesAfter(requests: readonly FollowRequest[]): Promise<readonly FollowResult[]> {
		if (this.#status !== "open") return this.#refuse();
		const names = requests.map(({ documentName }) => documentName);
		return this.#call("follow", names, () => requests.map((request) => this.#after(request)));
	}

	#after({ documentName, position, generation = 0 }: FollowRequest): FollowResult {
		if (this.disk.isDeleted(documentName, generation)) return { status: "deleted" };
		try {
			const document = this.disk.read(documentName);
			const end = endOf(document);
			if ((document.snapshot?.position ?? 0) > position || end < position)
				return { status: "passed", position: end };
			const entries = document.entries.filter((entry) => entry.position > position);
			return { status: "entries", entries, position: end };
		} catch (error) {
			return { status: "damaged", error: error as DamagedDocumentError };
		}
	}

	#listen(listener: (signal: FollowSignal) => void): () => void {
		const hear = (sender: MemoryStore, documentNames: ReadonlySet<string>, isFollowing: boolean) => {
			if (sender === this || this.#isDeaf) return;
			const concerns = (documentName: string) => documentNames.has(documentName);
			queueMicrotask(() => {
				if (this.#listeners.has(listener)) listener({ type: "announced", isFollowing, concerns });
			});
		};
		this.disk.announcements.add(hear);
		const end = () => {
			this.disk.announcements.delete(hear);
			this.#listeners.delete(listener);
		};
		this.#listeners.set(listener, end);
		queueMicrotask(() => {
			if (this.#listeners.has(listener) && !this.#isDeaf) listener({ type: "listening" });
		});
		return end;
	}

	#announce(documentNames: Iterable<string>, isFollowing: boolean): void {
		if (this.#status !== "open" || this.#isDeaf) return;
		const names = new Set(documentNames);
		for (const hear of this.disk.announcements) hear(this, names, isFollowing);
	}

	#endListening(): void {
		for (const end of this.#listeners.values()) end();
	}

	#appendOne({ documentName, updates, generation = 0 }: AppendRequest): AppendResult {
		if (this.disk.isDeleted(documentName, generation)) return { status: "deleted" };
		const error = this.#failingDocuments.get(documentName);
		if (error !== undefined) return { status: "failed", error };
		try {
			return { status: "durable", position: this.disk.append(documentName, updates) };
		} catch (damage) {
			return { status: "failed", error: damage as Error };
		}
	}

	#list({ prefix = "", after = "", limit }: CatalogueQuery): DocumentPage {
		const names = this.disk.documentNames
			.map((name) => ({ name, bytes: Buffer.from(name) }))
			.filter(({ name, bytes }) => name.startsWith(prefix) && bytes.compare(Buffer.from(after)) > 0)
			.sort((a, b) => a.bytes.compare(b.bytes))
			.map(({ name }) => name);
		const documents = names.slice(0, limit).map((name) => ({ name, bytes: this.#bytesOf(name) }));
		return { documents, hasMore: names.length > limit };
	}

	#bytesOf(name: string): number {
		const { snapshot, entries } = this.disk.read(name);
		const updates = entries.flatMap((entry) => entry.updates);
		return updates.reduce((sum, { byteLength }) => sum + byteLength, snapshot?.update.byteLength ?? 0);
	}

	#open<T>(kind: HeldCall["kind"], documentNames: readonly string[], work: () => T): Promise<T> {
		return this.#status === "open" ? this.#call(kind, documentNames, work) : this.#refuse();
	}

	#refuse(): Promise<never> {
		return Promise.reject(new StoreUnavailableError("the store is not open"));
	}

	#call<T>(kind: HeldCall["kind"], documentNames: readonly string[], work: () => T): Promise<T> {
		const { promise, resolve, reject } = Promise.withResolvers<T>();
		let done: { readonly answer: T } | { readonly error: unknown } | undefined;
		const perform = () => {
			if (done !== undefined || this.#status === "crashed") return;
			try {
				done = { answer: work() };
			} catch (error) {
				done = { error };
			}
		};
		const leave = () => {
			const index = this.held.indexOf(call);
			if (index >= 0) this.held.splice(index, 1);
		};
		const call: HeldCall = {
			kind,
			documentNames,
			perform,
			complete: () => {
				leave();
				perform();
				if (done === undefined || this.#status === "crashed") return;
				if ("error" in done) reject(done.error);
				else resolve(done.answer);
			},
			fail: (error = full()) => {
				leave();
				if (this.#status !== "crashed") reject(error);
			},
		};
		if (this.#holding) this.held.push(call);
		else queueMicrotask(() => call.complete());
		return promise;
	}
}

function mergeOrExplain(documentName: string, stored: DiskDocument, gc: boolean): Uint8Array {
	try {
		return merge(stored, gc);
	} catch (cause) {
		if (cause instanceof MeaninglessUpdate) {
			throw new DamagedDocumentError(documentName, cause.message, { cause });
		}
		throw cause;
	}
}

function full(): StoreUnavailableError {
	return new StoreUnavailableError("the disk is full (SQLITE_FULL)", { code: "SQLITE_FULL" });
}
