import { fromWire } from "../storage/wire-error.ts";
import { WorkerLink } from "../storage/worker-link.ts";
import {
	type AppendRequest,
	type AppendResult,
	type Catalogue,
	type CatalogueQuery,
	type CompactionResult,
	type CompactOptions,
	type DeleteOptions,
	type DeleteResult,
	DocumentDeletedError,
	type DocumentPage,
	type Store,
	StoreConfigurationError,
	type StoredDocument,
	StoreUnavailableError,
} from "../store.ts";
import { CheckpointPolicy } from "./checkpoint-policy.ts";
import { locate } from "./database-path.ts";
import { GroupedLoads } from "./grouped-loads.ts";
import type { ReaderProtocol, SqliteDiagnostics, WorkerSettings, WriterProtocol } from "./messages.ts";
import { packBatch, sizeOf, unpackDocument } from "./packing.ts";

export interface SqliteStoreOptions {
	/** The database file. It and its folder are made when they are missing. */
	readonly path: string;
	/** The file grows to this and no further (what goes beyond fails with `SQLITE_FULL`), in bytes. No bound by default. */
	readonly fileBytesMax?: number;
	/** Memory of the thread that reads and merges: V8's old generation, in MiB. Node's default by default. */
	readonly mergeMemoryMib?: number;
}

interface Workers {
	readonly writer: WorkerLink<WriterProtocol>;
	readonly reader: WorkerLink<ReaderProtocol>;
}

type State = { readonly status: "closed" } | { readonly status: "open"; readonly workers: Workers };

/** How often a merge is tried again because the snapshot was replaced under it. */
const mergeAttemptsMax = 10;

/**
 * The embedded store: one SQLite file, for one process at a time.
 *
 * All of SQLite runs in two worker threads, so that no commit and no read ever holds up the event loop: one writes, the
 * other reads, merges and runs checkpoints. Either is replaced when it dies.
 */
export class SqliteStore implements Store {
	readonly location: string;
	readonly catalogue: Catalogue = {
		list: (query) => this.#list(query),
		delete: (documentName, options) => this.#inTurn(() => this.#delete(documentName, options)),
		free: (documentName) => this.#inTurn(() => this.#free(documentName)),
	};
	readonly #options: SqliteStoreOptions;
	#state: State = { status: "closed" };
	readonly #loads = new GroupedLoads(async (documentNames) =>
		this.#workers().reader.ask("load", documentNames),
	);
	#checkpoints = new CheckpointPolicy();
	#checkpointing: Promise<void> | undefined;
	/**
	 * Of names that were freed since this store was made. It does not have to outlive that: only what is in memory in this process is
	 * of an older generation, since nobody else may write to the file.
	 */
	readonly #generations = new Map<string, number>();
	/** The last deletion, or freeing. */
	#changing: Promise<unknown> = Promise.resolve();

	/** @throws {TypeError} without a path. */
	constructor(options: SqliteStoreOptions) {
		if (typeof options?.path !== "string")
			throw new TypeError(
				'SqliteStore needs the path of a file: new SqliteStore({ path: "documents.sqlite" })',
			);
		this.#options = options;
		this.location = options.path;
	}

	async open(): Promise<void> {
		if (this.#state.status === "open") return;
		const { path, fileBytesMax, mergeMemoryMib } = this.#options;
		const settings: WorkerSettings = { path: locate(path), fileBytesMax };
		const workers = startWorkers(settings, mergeMemoryMib);
		try {
			await workers.writer.ask("open", undefined);
		} catch (error) {
			// Why it could not be opened says more than what comes of closing it.
			await workers.writer.close("close").catch(() => {});
			throw error;
		}
		this.#checkpoints = new CheckpointPolicy();
		this.#state = { status: "open", workers };
	}

	/** Starts the thread that reads, which takes some 50 ms of processor time: everybody who comes back after a restart would wait for it. */
	expectLoads(): void {
		if (this.#state.status !== "open") return;
		this.#state.workers.reader.ask("load", []).catch(() => {
			// Whoever loads a document is told why.
		});
	}

	async load(documentName: string): Promise<StoredDocument> {
		this.#workers();
		const generation = this.#generations.get(documentName);
		const packed = await whileOpen(this.#loads.load(checkName(documentName)));
		return { ...unpackDocument(packed), generation };
	}

	async append(batch: readonly AppendRequest[]): Promise<readonly AppendResult[]> {
		const { writer } = this.#workers();
		for (const { documentName } of batch) checkName(documentName);
		if (!batch.every((request) => this.#isCurrent(request))) return await this.#appendCurrent(batch);
		const { packed, payloads } = sizeOf(batch);
		const outcome = await whileOpen(
			writer.askBriefly("append", packed, (target) => packBatch(target, batch)),
		);
		this.#wrote(payloads, batch.length);
		if (typeof outcome === "number") return [{ status: "durable", position: outcome }];
		const { positions, failures } = outcome;
		const results: AppendResult[] = positions.map((position) => ({ status: "durable", position }));
		for (const { index, error } of failures)
			results[index] =
				error.kind === "deleted" ? { status: "deleted" } : { status: "failed", error: fromWire(error) };
		return results;
	}

	async compact(documentName: string, { gc }: CompactOptions): Promise<CompactionResult> {
		checkName(documentName);
		const generation = this.#generations.get(documentName);
		for (let attempt = 1; attempt <= mergeAttemptsMax; attempt += 1) {
			const { reader, writer } = this.#workers();
			const { position, merged } = await whileOpen(reader.ask("merge", { documentName, gc }));
			if (merged === undefined) return { status: "unchanged", position };
			const { data } = merged.record;
			const storedBytes = data.byteLength;
			// It is another one's log that ends there now.
			if (this.#generations.get(documentName) !== generation) throw new DocumentDeletedError(documentName);
			const buffers = data.buffer instanceof ArrayBuffer ? [data.buffer] : [];
			if (await whileOpen(writer.ask("replace", { documentName, merged }, buffers))) {
				this.#wrote(storedBytes, 1);
				const { entriesMerged, updateBytes: snapshotBytes } = merged;
				return { status: "compacted", position, entriesMerged, snapshotBytes, storedBytes };
			}
		}
		throw new StoreUnavailableError(
			`${JSON.stringify(documentName)} is being compacted by others all the time`,
		);
	}

	async close(): Promise<void> {
		if (this.#state.status === "closed") return;
		const { writer, reader } = this.#state.workers;
		this.#state = { status: "closed" };
		await this.#checkpointing;
		// Both answer in order, so calls under way are done first. The reader goes first: the last connection to close
		// is the one that tidies up, and it has to be one that may write. What the log holds is durable even if it fails.
		await reader.close("close").catch(() => {});
		await writer.close("close").catch(() => {});
	}

	/** What the writing connection really runs with, for `indelible doctor` and tests. */
	diagnostics(): Promise<SqliteDiagnostics> {
		return whileOpen(this.#workers().writer.ask("diagnostics", undefined));
	}

	#isCurrent({ documentName, generation = 0 }: AppendRequest): boolean {
		return generation === (this.#generations.get(documentName) ?? 0);
	}

	async #appendCurrent(batch: readonly AppendRequest[]): Promise<readonly AppendResult[]> {
		const current = batch.filter((request) => this.#isCurrent(request));
		const results = new Map<AppendRequest, AppendResult | undefined>();
		const appended = await this.append(current);
		for (const [index, request] of current.entries()) results.set(request, appended[index]);
		return batch.map((request) => results.get(request) ?? { status: "deleted" });
	}

	async #list(query: CatalogueQuery): Promise<DocumentPage> {
		return await whileOpen(this.#workers().reader.ask("list", query));
	}

	async #delete(documentName: string, { evenIfUnknown = false }: DeleteOptions = {}): Promise<DeleteResult> {
		const deletion = { documentName: checkName(documentName), evenIfUnknown };
		const status = await whileOpen(this.#workers().writer.ask("delete", deletion));
		if (status === "unknown") return { status };
		if (status === "deleted") this.#wipe();
		return { status, generation: (this.#generations.get(documentName) ?? 0) + 1 };
	}

	async #free(documentName: string): Promise<boolean> {
		const { writer } = this.#workers();
		if (!(await whileOpen(writer.ask("isDeleted", checkName(documentName))))) return false;
		// Before the mark goes, which has refused until now what is of the one before.
		this.#generations.set(documentName, (this.#generations.get(documentName) ?? 0) + 1);
		return await whileOpen(writer.ask("free", documentName));
	}

	/** Nobody else may delete or free while a name is being freed. */
	#inTurn<T>(work: () => Promise<T>): Promise<T> {
		const done = this.#changing.then(work);
		this.#changing = done.catch(() => {});
		return done;
	}

	/** The write-ahead log holds pages as they were before: what was deleted goes from there, too, unless somebody reads in it. */
	#wipe(): void {
		this.#checkpointing = Promise.resolve(this.#checkpointing)
			.then(() => this.#checkpoint("wipeLog"))
			.finally(() => {
				this.#checkpointing = undefined;
			});
	}

	#workers(): Workers {
		if (this.#state.status === "open") return this.#state.workers;
		throw new StoreUnavailableError(`the store ${this.location} is not open`);
	}

	#wrote(bytes: number, rows: number): void {
		this.#checkpoints.wrote(bytes, rows);
		if (this.#checkpointing !== undefined || !this.#checkpoints.isDue) return;
		// `#checkpoint` handles its failures itself.
		this.#checkpointing = this.#checkpoint("checkpoint").finally(() => {
			this.#checkpointing = undefined;
		});
	}

	/**
	 * The reader's thread moves most of the write-ahead log into the database while the writer goes on. The writer then
	 * moves the little that it has added meanwhile: only when nothing is left, the log begins anew.
	 */
	async #checkpoint(ending: "checkpoint" | "wipeLog"): Promise<void> {
		if (this.#state.status === "closed") return;
		const { reader, writer } = this.#state.workers;
		this.#checkpoints.started();
		try {
			await reader.ask("checkpoint", undefined);
			await writer.ask(ending, undefined);
		} catch {
			// A full or failing disk: what is in the log is durable, and the next due checkpoint tries again.
		}
	}
}

function startWorkers(settings: WorkerSettings, mergeMemoryMib: number | undefined): Workers {
	const writerOptions = {
		name: "indelible-store-writer",
		workerData: settings,
		// Should it die, the other one goes on: see `./free-pages.ts`.
		trackUnmanagedFds: false,
	};
	const writer = new WorkerLink<WriterProtocol>(script("writer-worker"), writerOptions, true);
	const reader = new WorkerLink<ReaderProtocol>(script("reader-worker"), {
		name: "indelible-store-reader",
		workerData: settings,
		...(mergeMemoryMib !== undefined && { resourceLimits: { maxOldGenerationSizeMb: mergeMemoryMib } }),
	});
	return { writer, reader };
}

function script(name: string): URL {
	return new URL(`./${name}.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
}

/** SQLite stores text as UTF-8, in which two names with lone surrogates could become one. */
function checkName(documentName: string): string {
	if (!documentName.isWellFormed()) throw new TypeError("a document name must be well-formed Unicode");
	return documentName;
}

/** Once the store is open, a configuration that stops working is a failure that may pass. */
function whileOpen<T>(answer: Promise<T>): Promise<T> {
	return answer.catch((error: unknown) => {
		if (error instanceof StoreConfigurationError)
			throw new StoreUnavailableError(error.message, { code: "SQLITE_CANTOPEN", cause: error });
		throw error;
	});
}
