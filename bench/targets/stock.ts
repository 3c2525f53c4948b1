/**
 * The stock server with its defaults (debounce 2 s, at most 10 s), and SQLite as `@hocuspocus/extension-sqlite` uses it:
 * a row per document with all of it in a blob, in a database with SQLite's own settings. Argument: the data folder.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Database } from "@hocuspocus/extension-database";
import { Server } from "@hocuspocus/server";
import { serveBench } from "./protocol.ts";

const database = new DatabaseSync(join(process.argv[2] ?? "./data", "stock.sqlite"));
database.exec(
	"CREATE TABLE IF NOT EXISTS documents (name varchar(255) NOT NULL, data blob NOT NULL, UNIQUE(name))",
);
const select = database.prepare("SELECT data FROM documents WHERE name = ?");
const upsert = database.prepare(
	"INSERT INTO documents (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET data = excluded.data",
);
let stores = 0;

const server = new Server({
	quiet: true,
	stopOnSignals: false,
	address: "127.0.0.1",
	extensions: [
		new Database({
			async fetch({ documentName }) {
				const data = select.get(documentName)?.data;
				return data instanceof Uint8Array ? data : null;
			},
			async store({ documentName, state }) {
				upsert.run(documentName, state);
				stores += 1;
			},
		}),
	],
});
server.configuration.port = 0;
await server.listen();
serveBench({
	port: server.address.port,
	totals: () => ({ commits: stores, documents: stores }),
	async close() {
		await server.destroy();
		database.close();
	},
});
