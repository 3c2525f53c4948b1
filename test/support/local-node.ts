import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { SqliteStore } from "../../extensions/durability/index.ts";
import { createNode, type IndelibleNode, type NodeOptions } from "../../server/index.ts";
import { plainAnswers } from "../../server/plain-answers.ts";
import { type Client, type ClientOptions, openClient } from "./client.ts";
import { FaultyStore } from "./faulty-store.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A node in this process, on a real socket, over a store (a real SQLite one by default) that can be told to fail. */
export interface LocalNode {
	readonly node: IndelibleNode;
	readonly store: FaultyStore;
	readonly url: string;
	readonly port: number;
	/** Opens a client that goes when the test ends. */
	client(name: string, options?: Partial<ClientOptions>): Client;
	/** Ends the node as a kill would: nothing that is not on disk stays. */
	close(): Promise<void>;
}

export interface LocalNodeOptions extends NodeOptions {
	/** A folder that outlives the node; by default one of its own. */
	readonly data?: string;
	/** Any free one by default. */
	readonly port?: number;
}

/** What a test wants to hear of the node's log; it says nothing otherwise. */
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function startLocalNode({
	data = temporaryFolder(),
	port: wantedPort = 0,
	store: inner = new SqliteStore({ path: join(data, "indelible.sqlite") }),
	...options
}: LocalNodeOptions = {}): Promise<LocalNode> {
	const store = new FaultyStore(inner);
	const node = await createNode({
		store,
		logger: quiet,
		drainWindowMs: 0,
		shutdownDeadlineMs: 1_000,
		...options,
	});
	const answer = plainAnswers({ readiness: () => node.readiness() });
	const httpServer = createServer(async (request, response) => {
		if (!(await answer(request, response))) response.writeHead(404).end();
	});
	const { port } = await node.listen(httpServer, { port: wantedPort, host: "127.0.0.1" });
	const url = `ws://127.0.0.1:${port}`;
	const clients: Client[] = [];
	let closing: Promise<void> | undefined;
	const close = () => {
		closing ??= (async () => {
			httpServer.close();
			await node.close();
			httpServer.closeAllConnections();
			if (httpServer.listening) await once(httpServer, "close");
		})();
		return closing;
	};
	onTestFinished(async () => {
		for (const client of clients) client.destroy();
		await close();
	});
	return {
		node,
		store,
		url,
		port,
		client(name, clientOptions) {
			const client = openClient({ url, name, ...clientOptions });
			clients.push(client);
			return client;
		},
		close,
	};
}
