import type { Pool, PoolClient, QueryConfig, QueryResultRow } from "pg";
import { documentKey } from "../storage/checksum.ts";
import { Damage } from "../storage/wire-error.ts";
import { WorkerLink } from "../storage/worker-link.ts";
import {
	type AppendRequest,
	type AppendResult,
	type Catalogue,
	type CompactionResult,
	type CompactOptions,
	DamagedDocumentError,
	type Follow,
	type Store,
	StoreConfigurationError,
	type StoredDocument,
	StoreUnavailableError,
} from "../store.ts";
import { locationOf } from "./connection.ts";
import { newPool } from "./connection-pool.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { diagnose, type PostgresDiagnostics } from "./diagnostics.ts";
import type { CompactionProtocol } from "./messages.ts";
import { checkedName, type PackedBatch, type PackedRequest, packBatch } from "./packed-batch.ts";
import { PostgresCatalogue } from "./postgres-catalogue.ts";
import { errorCode, isConfinedToDocument, isDamage, postgresSays, unavailable } from "./postgres-error.ts";
import { PostgresFollow } from "./postgres-follow.ts";
import { prepareSchema } from "./prepare-schema.ts";
import { readDocument } from "./rows.ts";
import { type Statements, type StoredRow, statements } from "./statements.ts";
import { Writer } from "./writer.ts";

export interface PostgresStoreOptions {
	/** `postgres://user:password@host:5432/database`, with any of libpq's TLS parameters. PostgreSQL 13 or newer. */
	readonly url: string;
	/** The schema that holds the tables; made if it is missing. `indelible` by default. */
	readonly schema?: string;
	/** Longest time that a statement or connecting may take, 10,000 ms by default. */
	readonly statementTimeoutMs?: number;
	/**
	 * What joins this node to others, such as a Redis prefix. Nodes that share the tables must have the same, or none and keep
	 * in step through the store: `open` refuses to join nodes that would not be heard.
	 */
	readonly group?: string | undefined;
	/** Connections for reading, 4 by default. Beside them there is one that appends, one that compacts, one that listens. */
	readonly readersMax?: number;
	/** Memory of the thread that merges: V8's old generation, in MiB. Node's default by default. */
	readonly mergeMemoryMib?: number;
}

interface Connections {
	/** One connection: appends never wait for a large document to be read. */
	readonly writer: Writer;
	readonly readers: Pool;
	readonly compactor: WorkerLink<CompactionProtocol>;
}

type State = { readonly status: "closed" } | { readonly status: "open"; readonly connections: Connections };

/**
 * A PostgreSQL database, which any number of nodes may share.
 *
 * Each call is one statement and so one transaction; rows of `documents` serve as the documents' locks. Merging runs in a
 * worker thread with a connection of its own. A connection that fails is dropped and made anew with the next call.
 */
export class PostgresStore implements Store {
	readonly location: string;
	readonly follow: Follow;
	readonly catalogue: Catalogue;
	readonly #options: PostgresStoreOptions;
	readonly #settings: ConnectionSettings;
	readonly #statements: Statements;
	readonly #follow: PostgresFollow;
	#state: State = { status: "closed" };

	/** @throws {StoreConfigurationError} when the URL or the schema's name can't be right. */
	constructor(options: PostgresStoreOptions) {
		const { url, schema = "indelible", statementTimeoutMs = 10_000, group } = options;
		this.#options = options;
		this.location = locationOf(url);
		this.#settings = {
			url,
			schema: checkedSchema(schema),
			statementTimeoutMs,
			location: this.location,
			group,
		};
		this.#statements = statements(schema);
		this.#follow = new PostgresFollow(this.#settings, (statement, parameters) =>
			this.#read(statement, parameters),
		);
		this.follow = this.#follow;
		this.catalogue = new PostgresCatalogue({
			schema,
			read: (statement, parameters) => this.#read(statement, parameters),
			transact: (work) => this.#transact(work),
		});
	}

	async open(): Promise<void> {
		if (this.#state.status === "open") return;
		await prepareSchema(this.#settings);
		this.#state = { status: "open", connections: connect(this.#settings, this.#options) };
	}

	async load(documentName: string): Promise<StoredDocument> {
		const key = String(documentKey(checkedName(documentName)));
		try {
			return readDocument(documentName, await this.#read<StoredRow>(this.#statements.load, [key]));
		} catch (error) {
			throw damageOf(documentName, error) ?? error;
		}
	}

	async append(batch: readonly AppendRequest[]): Promise<readonly AppendResult[]> {
		const { writer } = this.#connections();
		if (batch.length === 0) return [];
		return await this.#appendOrDivide(writer, packBatch(batch));
	}

	async compact(documentName: string, { gc }: CompactOptions): Promise<CompactionResult> {
		const { compactor } = this.#connections();
		return await compactor.ask("compact", { documentName: checkedName(documentName), gc });
	}

	async close(): Promise<void> {
		// It may have something to say, which needs a connection.
		await this.#follow.close();
		if (this.#state.status === "closed") return;
		const { writer, readers, compactor } = this.#state.connections;
		this.#state = { status: "closed" };
		// Each waits for what is under way, and none of them has anything left that could get lost.
		await Promise.allSettled([writer.close(), readers.end(), compactor.close("close")]);
	}

	/**
	 * What the server is like, for `indelible doctor`. Changes nothing there, and needs no {@link open}.
	 * @throws {StoreConfigurationError} when it could not be opened either; a missing schema is no error.
	 * @throws {StoreUnavailableError}
	 */
	diagnostics(): Promise<PostgresDiagnostics> {
		return diagnose(this.#settings);
	}

	#connections(): Connections {
		if (this.#state.status === "open") return this.#state.connections;
		throw new StoreUnavailableError(`the store ${this.location} is not open`);
	}

	/**
	 * Appends in one round trip. When one document's rows are not as they must be, the whole batch fails; its halves then
	 * go by themselves, and so on, so that only those documents fail [DUR5].
	 */
	async #appendOrDivide(writer: Writer, { bytes, requests }: PackedBatch): Promise<readonly AppendResult[]> {
		try {
			const positions = await writer.append({ bytes, requests });
			return positions.map((position) => ({ status: "durable", position }));
		} catch (error) {
			if (!isConfinedToDocument(error)) throw unavailable(this.location, error);
			const [only] = requests;
			if (requests.length === 1 && only !== undefined)
				return (await this.#wasDeleted(only))
					? [{ status: "deleted" }]
					: [{ status: "failed", error: refusal(only.documentName, error) }];
			const middle = requests.length >> 1;
			const first = await this.#appendOrDivide(writer, { bytes, requests: requests.slice(0, middle) });
			const second = await this.#appendOrDivide(writer, { bytes, requests: requests.slice(middle) });
			return [...first, ...second];
		}
	}

	async #wasDeleted({ documentName, generation }: PackedRequest): Promise<boolean> {
		const [result] = await this.#follow.entriesAfter([
			{ documentName, generation, position: Number.MAX_SAFE_INTEGER },
		]);
		return result?.status === "deleted";
	}

	async #transact<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
		const { writer } = this.#connections();
		try {
			return await writer.transact(work);
		} catch (error) {
			throw unavailable(this.location, error);
		}
	}

	async #read<Row extends QueryResultRow>(statement: QueryConfig, parameters: unknown[]): Promise<Row[]> {
		const { readers } = this.#connections();
		try {
			const { rows } = await readers.query<Row>(statement, parameters);
			return rows;
		} catch (error) {
			throw unavailable(this.location, error);
		}
	}
}

function connect(settings: ConnectionSettings, options: PostgresStoreOptions): Connections {
	const { readersMax = 4, mergeMemoryMib } = options;
	const script = `./compaction-worker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`;
	return {
		writer: new Writer(settings, statements(settings.schema).append),
		readers: newPool(settings, readersMax),
		compactor: new WorkerLink<CompactionProtocol>(new URL(script, import.meta.url), {
			name: "indelible-store-compactor",
			workerData: settings,
			...(mergeMemoryMib !== undefined && { resourceLimits: { maxOldGenerationSizeMb: mergeMemoryMib } }),
		}),
	};
}

/** Why one document could not be appended to. */
function refusal(documentName: string, error: unknown): Error {
	const detail = isDamage(error)
		? postgresSays(error)
		: `its name, snapshot and log are not all there (${errorCode(error)})`;
	return new DamagedDocumentError(documentName, detail, { cause: error });
}

/** @returns `undefined` when the error is no sign of damage. */
function damageOf(documentName: string, error: unknown): DamagedDocumentError | undefined {
	if (error instanceof Damage) {
		return new DamagedDocumentError(documentName, error.message, { cause: error });
	}
	const cause = error instanceof Error ? error.cause : undefined;
	if (!isDamage(cause)) return undefined;
	return new DamagedDocumentError(documentName, postgresSays(cause), { cause });
}

function checkedSchema(schema: string): string {
	if (/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) return schema;
	throw new StoreConfigurationError(
		`the schema ${JSON.stringify(schema)} must be lower-case letters, digits and underscores, 63 at most`,
	);
}
