import type { IncomingHttpHeaders } from "node:http";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { localCluster } from "./cluster.ts";
import type { LocalNode, LocalNodeOptions } from "./local-node.ts";
import { startRedis } from "./redis-server.ts";

/** Nodes in this process that say who came to them. */
export interface WatchedNodes {
	readonly nodes: LocalNode[];
	readonly ports: number[];
	/** Upgrade requests that reached a node, also those that it refused, oldest first. */
	readonly upgrades: {
		readonly node: number;
		readonly document: string | null;
		headers: IncomingHttpHeaders;
	}[];
	/** Starts a node in the place of one that was closed. */
	restart(index: number): Promise<void>;
	/** Sockets open on each node. */
	connections(): number[];
}

/** Starts as many nodes as there are options, on one Redis and one store. */
export async function watchedNodes(...options: readonly LocalNodeOptions[]): Promise<WatchedNodes> {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const upgrades: WatchedNodes["upgrades"] = [];
	const start = (index: number, port?: number) =>
		cluster.node({
			...options[index],
			...(port === undefined ? {} : { port }),
			async onUpgrade({ request }) {
				const url = new URL(request.url ?? "/", "http://node");
				upgrades.push({
					node: index,
					document: url.searchParams.get("document"),
					headers: request.headers,
				});
			},
		});
	const nodes = await Promise.all(options.map((_options, index) => start(index)));
	const ports = nodes.map(({ port }) => port);
	return {
		nodes,
		ports,
		upgrades,
		async restart(index) {
			nodes[index] = await start(index, ports[index]);
		},
		connections: () => nodes.map(({ node }) => node.connections),
	};
}

/** What became of an upgrade request. */
export type Answer =
	| { readonly status: 101; readonly socket: WebSocket }
	| { readonly status: number; readonly headers: IncomingHttpHeaders; readonly socket: undefined };

/** Asks for a WebSocket as a browser does, once. It goes when the test ends. */
export function knock(url: string, headers: Record<string, string> = {}): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const socket = new WebSocket(url, { headers });
		socket.on("error", reject);
		socket.once("open", () => {
			onTestFinished(() => socket.terminate());
			resolve({ status: 101, socket });
		});
		socket.once("unexpected-response", (request, response) => {
			resolve({ status: response.statusCode ?? 0, headers: response.headers, socket: undefined });
			request.destroy();
		});
	});
}
