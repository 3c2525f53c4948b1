import { Database } from "@hocuspocus/extension-database";
import { Redis } from "@hocuspocus/extension-redis";
import { type Configuration, type Extension, Server } from "@hocuspocus/server";
import { serveBench, targetSettings } from "./protocol.ts";
import { inPostgres, inSqlite } from "./stock-storage.ts";

/**
 * The stock server (saves 2 s after the last edit, 10 s after the first) and whole documents in {@link StockStorage}; as one of
 * several nodes also with the stock Redis extension and its defaults.
 * @param configuration What is not to have its default.
 */
export async function serveStock(configuration: Partial<Configuration> = {}): Promise<void> {
	const { data, port, shared } = targetSettings();
	const storage = shared === undefined ? inSqlite(data) : await inPostgres(shared.databaseUrl);
	let stores = 0;
	const extensions: Extension[] = [
		new Database({
			fetch: ({ documentName }) => storage.fetch(documentName),
			async store({ documentName, state }) {
				await storage.store(documentName, state);
				stores += 1;
			},
		}),
	];
	if (shared !== undefined) extensions.push(connect(shared.redisUrl));

	const server = new Server({
		...configuration,
		quiet: true,
		stopOnSignals: false,
		address: "127.0.0.1",
		extensions,
	});
	server.configuration.port = port;
	await server.listen();
	serveBench({
		port: server.address.port,
		totals: () => ({ commits: stores, documents: stores }),
		async close() {
			await server.destroy();
			await storage.close();
		},
	});
}

function connect(url: string): Redis {
	const { hostname, port } = new URL(url);
	const redis = new Redis({ host: hostname, port: Number(port) });
	// A line for each attempt to connect would be printed otherwise.
	for (const client of [redis.pub, redis.sub]) client.on("error", () => {});
	return redis;
}
