import { chmod, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "../scripts/services/free-port.ts";
import { postgresSignals, preparePostgres } from "../scripts/services/postgres.ts";
import { startRedisService } from "../scripts/services/redis.ts";
import type { TargetProcess } from "./target-process.ts";
import type { TargetSettings } from "./targets/protocol.ts";

/** Something that the nodes share, and that can go away and come back. */
export interface SharedService {
	/** Ends it as a crash does. */
	crash(): Promise<void>;
	/** Waits until it answers. */
	start(): Promise<void>;
}

/** Redis' own counters since its start. */
export interface RedisTotals {
	/** Commands by name, without what the bench itself asks. */
	readonly commands: ReadonlyMap<string, number>;
	/** What clients have sent to it, in bytes. */
	readonly inputBytes: number;
	/** What it has sent to clients, in bytes. */
	readonly outputBytes: number;
}

export interface BenchCluster {
	readonly nodes: readonly TargetProcess[];
	readonly redis: SharedService & { totals(): Promise<RedisTotals> };
	readonly postgres: SharedService;
	end(): Promise<void>;
}

type StartNode = (settings: Omit<TargetSettings, "port">) => Promise<TargetProcess>;

const account = { user: "bench", password: "bench" };

/**
 * Starts a Redis and a PostgreSQL, which run where the load runs, and nodes that share them.
 * @param parent A folder for theirs.
 */
export async function startCluster(
	count: number,
	parent: string,
	startNode: StartNode,
): Promise<BenchCluster> {
	const data = await mkdtemp(join(parent, "cluster-"));
	// PostgreSQL does not run as root, and has to get to its folder.
	for (const folder of [parent, data]) await chmod(folder, 0o711);
	const redis = await startRedis(data);
	const postgres = await startPostgres(data);
	const nodes: TargetProcess[] = [];
	const end = async () => {
		// In an orderly way, as far as they can: a profile is written at the end.
		const alive = nodes.filter((node) => !node.hasEnded);
		await Promise.all(alive.map((node) => node.stop().catch(() => node.kill())));
		await redis.end();
		await postgres.end();
	};
	try {
		for (let n = 0; n < count; n += 1)
			nodes.push(await startNode({ data, shared: { databaseUrl: postgres.url, redisUrl: redis.url } }));
	} catch (error) {
		await end();
		throw error;
	}
	return { nodes, redis, postgres, end };
}

async function startRedis(folder: string) {
	const port = await freePort();
	let service = await startRedisService({ port, folder });
	const control = new Redis({ port, host: "127.0.0.1" });
	control.on("error", () => {});
	return {
		url: `redis://127.0.0.1:${port}`,
		crash: () => service.stop("SIGKILL"),
		async start() {
			service = await startRedisService({ port, folder });
		},
		async totals() {
			return readTotals(await control.info("commandstats", "stats"));
		},
		async end() {
			control.disconnect();
			await service.stop("SIGKILL");
		},
	};
}

async function startPostgres(data: string) {
	const folder = join(data, "postgres");
	const prepared = preparePostgres({ folder, port: await freePort(), ...account });
	prepared.configure("log_min_messages = panic");
	let service = await prepared.start();
	return {
		url: prepared.url(),
		crash: () => service.stop(postgresSignals.immediate),
		async start() {
			service = await prepared.start();
		},
		end: () => service.stop(postgresSignals.immediate),
	};
}

function readTotals(info: string): RedisTotals {
	const figure = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? Number.NaN);
	const commands = new Map<string, number>();
	for (const [, name = "", calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm))
		if (name !== "info") commands.set(name, Number(calls));
	return {
		commands,
		inputBytes: figure("total_net_input_bytes"),
		outputBytes: figure("total_net_output_bytes"),
	};
}
