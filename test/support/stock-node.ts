import { Redis } from "@hocuspocus/extension-redis";
import { Server } from "@hocuspocus/server";
import { onTestFinished } from "vitest";
import { type Client, openClient } from "./client.ts";

/** A node of somebody who has not migrated yet: stock server, stock Redis extension, nothing stored. */
export interface StockNode {
	readonly server: Server;
	client(name: string): Client;
}

export async function startStockNode(redisPort: number, prefix = "hocuspocus"): Promise<StockNode> {
	const redis = new Redis({ host: "127.0.0.1", port: redisPort, prefix, disconnectDelay: 50 });
	// It logs when the test's Redis ends before it does.
	for (const client of [redis.pub, redis.sub]) client.on("error", () => {});
	const server = new Server({ port: 0, quiet: true, stopOnSignals: false, extensions: [redis] });
	await server.listen();
	const clients: Client[] = [];
	onTestFinished(async () => {
		for (const client of clients) client.destroy();
		await server.destroy();
	});
	return {
		server,
		client(name) {
			const client = openClient({ url: server.webSocketURL, name });
			clients.push(client);
			return client;
		},
	};
}
