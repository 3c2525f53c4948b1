import { eventually } from "./eventually.ts";
import { freePort } from "./node-process.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";

/** A real Redis cluster without replicas, told to be impatient. */
export interface RedisCluster {
	readonly servers: readonly RedisServer[];
	/** `redis+cluster://`, with `login` as `user:password`; it names all servers, beginning with one. */
	url(login?: string): string;
}

const slotCount = 16_384;

/** @param settings Returns more flags for the next server. */
export async function startRedisCluster(settings: () => readonly string[] = () => []): Promise<RedisCluster> {
	const servers: RedisServer[] = [];
	const flags = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
	for (let index = 0; index < 3; index += 1) {
		// By default it is 10,000 more than the port, which need be neither free nor a port.
		const busPort = await freePort();
		const server = await startRedis(...flags, "--cluster-port", String(busPort), ...settings());
		await servers[0]?.command("CLUSTER", "MEET", "127.0.0.1", server.port, busPort);
		servers.push(server);
	}
	for (const [index, server] of servers.entries()) {
		const from = Math.floor((index * slotCount) / servers.length);
		const to = Math.floor(((index + 1) * slotCount) / servers.length) - 1;
		await server.command("CLUSTER", "ADDSLOTSRANGE", from, to);
	}
	for (const server of servers) {
		await eventually("the Redis cluster to be whole", async () => {
			const info = String(await server.command("CLUSTER", "INFO"));
			const isWhole =
				info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${servers.length}`);
			return isWhole && !String(await server.command("CLUSTER", "NODES")).includes("handshake");
		});
	}
	return {
		servers,
		url: (login) =>
			`redis+cluster://${login === undefined ? "" : `${login}@`}${servers.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
	};
}
