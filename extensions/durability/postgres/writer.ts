import type { Pool, PoolClient, QueryConfig } from "pg";
import { newPool } from "./connection-pool.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { appendParameters, type PackedBatch } from "./packed-batch.ts";
import type { AppendedRow } from "./statements.ts";

/** What is durable on this server, and on its synchronous standby if it has one. */
const durableLevels: ReadonlySet<string> = new Set(["on", "remote_apply"]);

/** The one connection that appends. */
export class Writer {
	readonly #pool: Pool;
	readonly #statement: QueryConfig;
	/** Set when the server has warned since the last append began. */
	#warning: Error | undefined;

	constructor(settings: ConnectionSettings, statement: QueryConfig) {
		this.#statement = statement;
		this.#pool = newPool(settings, 1);
		this.#pool.on("connect", (client: PoolClient) => {
			client.on("notice", (notice) => {
				// Class 01. Notices of a lower level have 00000.
				if (notice.code?.startsWith("01"))
					this.#warning = new Error(`the server warned: ${notice.message} (${notice.code})`);
			});
		});
	}

	/**
	 * @returns Positions, in the order of the requests.
	 * @throws Unless all of them are known to be durable.
	 */
	append(batch: PackedBatch): Promise<number[]> {
		return this.#attempt(async (client) => {
			const { rows } = await client.query<AppendedRow>(this.#statement, appendParameters(batch));
			return durablePositions(batch, rows);
		});
	}

	/**
	 * Runs `work` in a transaction, in which each statement sees what was committed before it.
	 * @throws Unless it is known to be durable.
	 */
	transact<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
		return this.#attempt(async (client) => {
			await client.query("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
			const { rows } = await client.query<{ level: string }>(durableFromHere);
			checkLevel(rows[0]?.level);
			const result = await work(client);
			await client.query("COMMIT");
			return result;
		});
	}

	/** A connection on which something has failed is not used again, which also undoes what was not committed. */
	async #attempt<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
		const client = await this.#pool.connect();
		let failure: unknown = new Error("the work did not end");
		try {
			this.#warning = undefined;
			const result = await work(client);
			// Cancelled while it waits for a synchronous standby, a commit succeeds with a warning that it was not replicated.
			if (this.#warning !== undefined) throw this.#warning;
			failure = undefined;
			return result;
		} catch (error) {
			failure = error;
			throw error;
		} finally {
			client.release(failure !== undefined);
		}
	}

	close(): Promise<void> {
		return this.#pool.end();
	}
}

function durablePositions({ requests }: PackedBatch, rows: readonly AppendedRow[]): number[] {
	const positions = new Array<number>(requests.length);
	for (const { index, position, synchronous_commit } of rows) {
		checkLevel(synchronous_commit);
		positions[index - 1] = position;
	}
	if (rows.length !== requests.length) {
		throw new Error(`${rows.length} of ${requests.length} log entries were written`);
	}
	return positions;
}

/** As the append statement has it. */
const durableFromHere = `
	SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
		WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true) AS level`;

function checkLevel(level: string | undefined): void {
	if (level === undefined || !durableLevels.has(level))
		throw new Error(`it was committed with synchronous_commit=${level}`);
}
