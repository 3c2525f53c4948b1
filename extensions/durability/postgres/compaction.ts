import type { Pool, QueryConfig, QueryResultRow } from "pg";
import { MeaninglessUpdate, merge } from "../merge.ts";
import { documentKey, nameChecksum } from "../storage/checksum.ts";
import { encodeSnapshot } from "../storage/snapshot-record.ts";
import { Damage } from "../storage/wire-error.ts";
import { type CompactionResult, type StoredDocument, StoreUnavailableError } from "../store.ts";
import { newPool } from "./connection-pool.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { code, errorCode, isDamage, postgresSays, unavailable } from "./postgres-error.ts";
import { readDocument } from "./rows.ts";
import { type Statements, type StoredRow, statements } from "./statements.ts";

/** How often a merge is tried again because another node's was quicker. */
const attemptsMax = 10;

/** Merges a document, on a connection of its own: it reads, merges, packs and writes. Blocks its thread meanwhile. */
export class Compaction {
	readonly #location: string;
	readonly #pool: Pool;
	readonly #statements: Statements;

	constructor(settings: ConnectionSettings) {
		this.#location = settings.location;
		this.#statements = statements(settings.schema);
		this.#pool = newPool(settings, 1);
	}

	async close(): Promise<undefined> {
		await this.#pool.end();
		return undefined;
	}

	async compact(documentName: string, gc: boolean): Promise<CompactionResult> {
		for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
			const key = String(documentKey(documentName));
			const rows = await this.#query<StoredRow>(documentName, this.#statements.load, [key]);
			const stored = readDocument(documentName, rows);
			if (stored.entries.length === 0) return { status: "unchanged", position: stored.position };
			const result = await this.#replace(documentName, key, stored, gc);
			if (result !== undefined) return result;
		}
		throw new StoreUnavailableError(
			`${JSON.stringify(documentName)} is being compacted by others all the time`,
		);
	}

	/** @returns `undefined` when another node has replaced the snapshot meanwhile. */
	async #replace(
		documentName: string,
		key: string,
		stored: StoredDocument,
		gc: boolean,
	): Promise<CompactionResult | undefined> {
		const update = mergeOrExplain(documentName, stored, gc);
		const { position, entries } = stored;
		const { codec, checksum, data } = encodeSnapshot(nameChecksum(documentName), position, update);
		const basis = stored.snapshot?.position ?? 0;
		const parameters = [key, Buffer.from(documentName), position, basis, codec, checksum];
		const [outcome] = await this.#query<{ taken: number }>(documentName, this.#statements.replace, [
			...parameters,
			Buffer.from(data.buffer, data.byteOffset, data.byteLength),
			entries.length,
			stored.generation ?? 0,
		]);
		if (outcome?.taken !== 1) return undefined;
		return {
			status: "compacted",
			position,
			entriesMerged: entries.length,
			snapshotBytes: update.byteLength,
			storedBytes: data.byteLength,
		};
	}

	async #query<Row extends QueryResultRow>(
		documentName: string,
		statement: QueryConfig,
		parameters: unknown[],
	): Promise<Row[]> {
		try {
			const { rows } = await this.#pool.query<Row>(statement, parameters);
			return rows;
		} catch (error) {
			if (errorCode(error) === code.divisionByZero) {
				throw new Damage(documentName, "the log is not what was merged", { cause: error });
			}
			if (isDamage(error)) throw new Damage(documentName, postgresSays(error), { cause: error });
			throw unavailable(this.#location, error);
		}
	}
}

function mergeOrExplain(documentName: string, stored: StoredDocument, gc: boolean): Uint8Array {
	try {
		return merge(stored, gc);
	} catch (cause) {
		if (cause instanceof MeaninglessUpdate) throw new Damage(documentName, cause.message, { cause });
		throw cause;
	}
}
