import type { PoolClient, QueryConfig, QueryResultRow } from "pg";
import { documentKey } from "../storage/checksum.ts";
import { isTombstone, tombstone } from "../storage/tombstone.ts";
import type { Catalogue, CatalogueQuery, DeleteOptions, DeleteResult, DocumentPage } from "../store.ts";
import { driver } from "./driver.ts";
import { checkedName } from "./packed-batch.ts";
import { named } from "./statements.ts";

export interface PostgresCatalogueOptions {
	/** The schema's name, as it is. */
	readonly schema: string;
	/** Runs one statement. */
	readonly read: <Row extends QueryResultRow>(
		statement: QueryConfig,
		parameters: unknown[],
	) => Promise<readonly Row[]>;
	/** Runs a transaction, which is durable when it resolves, where documents are appended to. */
	readonly transact: <T>(work: (client: PoolClient) => Promise<T>) => Promise<T>;
}

/** Which documents the tables hold, and an end to them. */
export class PostgresCatalogue implements Catalogue {
	readonly #options: PostgresCatalogueOptions;
	readonly #list: QueryConfig;
	readonly #texts: ReturnType<typeof texts>;

	constructor(options: PostgresCatalogueOptions) {
		this.#options = options;
		const quoted = driver().escapeIdentifier(options.schema);
		this.#list = named("list", list(quoted));
		this.#texts = texts(quoted);
	}

	async list({ prefix = "", after = "", limit }: CatalogueQuery): Promise<DocumentPage> {
		const start = Buffer.from(prefix);
		const rows = await this.#options.read<{ name: Uint8Array; bytes: number }>(this.#list, [
			start,
			endOf(start),
			Buffer.from(after),
			limit + 1,
		]);
		const documents = rows.map(({ name, bytes }) => ({
			name: Buffer.from(name).toString(),
			bytes: Number(bytes),
		}));
		return { documents: documents.slice(0, limit), hasMore: documents.length > limit };
	}

	/**
	 * First the document's row, which is its lock: whoever appends waits from then on, and finds the mark. What was appended before can be
	 * seen by the statements that come after.
	 */
	async delete(documentName: string, { evenIfUnknown = false }: DeleteOptions = {}): Promise<DeleteResult> {
		const key = String(documentKey(checkedName(documentName)));
		return await this.#options.transact(async (client): Promise<DeleteResult> => {
			const mark = [key, tombstone(Date.now()), evenIfUnknown];
			const { rows: marked } = await client.query<{ generation: number }>(this.#texts.mark, mark);
			const [deleted] = marked;
			if (deleted === undefined) return await this.#known(client, key);
			await client.query(this.#texts.removeLog, [key]);
			await client.query(this.#texts.removeSnapshot, [key]);
			return { status: "deleted", generation: deleted.generation };
		});
	}

	async free(documentName: string): Promise<boolean> {
		const parameters = [String(documentKey(checkedName(documentName))), Buffer.from(documentName)];
		return await this.#options.transact(async (client) => {
			const { rowCount } = await client.query(this.#texts.free, parameters);
			return rowCount === 1;
		});
	}

	async #known(client: PoolClient, key: string): Promise<DeleteResult> {
		const { rows } = await client.query<{ name: Uint8Array; generation: number }>(this.#texts.find, [key]);
		const [row] = rows;
		if (row === undefined || !isTombstone(row.name)) return { status: "unknown" };
		return { status: "deleted-before", generation: row.generation };
	}
}

/** The least that is behind all that begins so. Behind all names there is. */
function endOf(prefix: Buffer): Buffer {
	const last = prefix.at(-1);
	if (last === undefined) return Buffer.of(0xff);
	// No byte of UTF-8 is the last one.
	return Buffer.concat([prefix.subarray(0, -1), Buffer.of(last + 1)]);
}

/** Parameters: the prefix, what is behind all that begin with it, the name after which to begin, how many. */
function list(schema: string): string {
	return `
		SELECT name,
			coalesce((SELECT octet_length(data) FROM ${schema}.snapshots WHERE document = key), 0)
				+ coalesce((SELECT sum(octet_length(data)) FROM ${schema}.log WHERE document = key), 0) AS bytes
		FROM (
			SELECT key, name FROM ${schema}.documents
			WHERE name >= $1 AND name < $2 AND name > $3 AND position > 0
			ORDER BY name LIMIT $4
		) AS listed
		ORDER BY name`;
}

const isMarked = String.raw`substring(stored.name FROM 1 FOR 1) = '\xff'::bytea`;

function texts(schema: string) {
	return {
		/** Parameters: the key; the mark; whether to leave it though there is nothing. A freed name that nobody has used is nothing. */
		mark: `
			INSERT INTO ${schema}.documents AS stored (key, name, position, generation)
			SELECT $1::bigint, $2::bytea, 0, 1
			WHERE $3::boolean
				OR EXISTS (SELECT FROM ${schema}.documents WHERE key = $1::bigint)
				OR EXISTS (SELECT FROM ${schema}.snapshots WHERE document = $1::bigint)
				OR EXISTS (SELECT FROM ${schema}.log WHERE document = $1::bigint)
			ON CONFLICT (key) DO UPDATE SET
				name = excluded.name, position = 0, snapshot_position = 0, generation = stored.generation + 1
			WHERE NOT ${isMarked} AND ($3::boolean OR stored.position > 0)
			RETURNING generation`,
		find: `SELECT name, generation FROM ${schema}.documents WHERE key = $1`,
		removeLog: `DELETE FROM ${schema}.log WHERE document = $1`,
		removeSnapshot: `DELETE FROM ${schema}.snapshots WHERE document = $1`,
		/** Parameters: the key, the name. The generation stays. */
		free: `UPDATE ${schema}.documents AS stored SET name = $2 WHERE key = $1 AND ${isMarked}`,
	} as const;
}
