import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Pool } from "pg";

/** Where a stock server keeps its documents: a row each, with all of it in a blob. */
export interface StockStorage {
	fetch(documentName: string): Promise<Uint8Array | null>;
	store(documentName: string, state: Uint8Array): Promise<void>;
	close(): Promise<void>;
}

/** As `@hocuspocus/extension-sqlite` does it, in a database with SQLite's own settings. */
export function inSqlite(folder: string): StockStorage {
	const database = new DatabaseSync(join(folder, "stock.sqlite"));
	database.exec(
		"CREATE TABLE IF NOT EXISTS documents (name varchar(255) NOT NULL, data blob NOT NULL, UNIQUE(name))",
	);
	const select = database.prepare("SELECT data FROM documents WHERE name = ?");
	const upsert = database.prepare(
		"INSERT INTO documents (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET data = excluded.data",
	);
	return {
		async fetch(documentName) {
			const data = select.get(documentName)?.data;
			return data instanceof Uint8Array ? data : null;
		},
		async store(documentName, state) {
			upsert.run(documentName, state);
		},
		async close() {
			database.close();
		},
	};
}

/** The same table where several nodes find it, through `pg`'s pool with its defaults. */
export async function inPostgres(connectionString: string): Promise<StockStorage> {
	const pool = new Pool({ connectionString });
	// One that breaks while nobody uses it; the next statement says what is wrong.
	pool.on("error", () => {});
	await pool.query(
		"CREATE TABLE IF NOT EXISTS documents (name varchar(255) PRIMARY KEY, data bytea NOT NULL)",
	);
	return {
		async fetch(documentName) {
			const { rows } = await pool.query("SELECT data FROM documents WHERE name = $1", [documentName]);
			return rows[0]?.data ?? null;
		},
		async store(documentName, state) {
			await pool.query(
				"INSERT INTO documents (name, data) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET data = excluded.data",
				[documentName, Buffer.from(state.buffer, state.byteOffset, state.byteLength)],
			);
		},
		close: () => pool.end(),
	};
}
