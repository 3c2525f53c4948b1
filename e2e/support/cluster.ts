import { closeSync, openSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBalancer } from "../../scripts/services/balancer.ts";
import { freePort } from "../../scripts/services/free-port.ts";
import { preparePostgres } from "../../scripts/services/postgres.ts";
import { startRedisService } from "../../scripts/services/redis.ts";
import { type Service, startService } from "../../scripts/services/service.ts";
import { refuseStrayErrors } from "../../test/support/stray-errors.ts";
import { environmentWithoutSettings, launcher } from "./server.ts";

/** A WebSocket that a browser has got through the balancer. */
export interface Arrival {
	/** From 1. */
	readonly node: number;
	/** As the URL names it. */
	readonly document: string;
}

/** Nodes that share Postgres and Redis, behind HAProxy with the configuration that operators get. */
export class Cluster {
	readonly #folder: string;
	readonly #port: number;
	readonly #nodes: Service[] = [];
	readonly #nodeUrls: string[] = [];
	readonly #others: Service[] = [];

	private constructor(folder: string, port: number) {
		this.#folder = folder;
		this.#port = port;
	}

	/** @param settings Environment variables for the nodes. */
	static async start(nodes: number, settings: NodeJS.ProcessEnv = {}): Promise<Cluster> {
		const folder = await mkdtemp(join(tmpdir(), "indelible-e2e-"));
		// Postgres may run as somebody else.
		await chmod(folder, 0o755);
		const cluster = new Cluster(folder, await freePort());
		try {
			await cluster.#start(nodes, settings);
			return cluster;
		} catch (error) {
			await cluster.dispose();
			throw error;
		}
	}

	/** The balancer's. */
	get url(): string {
		return `http://localhost:${this.#port}`;
	}

	/** The nodes', past the balancer. */
	get nodeUrls(): readonly string[] {
		return this.#nodeUrls;
	}

	/** Who came to which node, oldest first. */
	get arrivals(): readonly Arrival[] {
		const line = / ready-nodes\/node-(\d+) .* 101 .*"GET \/sync\?document=(\S*) /g;
		return [...readFileSync(this.#log, "utf8").matchAll(line)].map(([, node, document = ""]) => ({
			node: Number(node),
			document,
		}));
	}

	/** As `kill -9` does: nothing is flushed, nobody is told. */
	async kill(node: number): Promise<void> {
		await this.#nodes[node - 1]?.stop("SIGKILL");
	}

	/**
	 * Ends everything and forgets the data.
	 * @throws {Error} when a node has met an error that nobody handled.
	 */
	async dispose(): Promise<void> {
		for (const service of [...this.#nodes, ...this.#others]) await service.stop("SIGKILL");
		const outputs = this.#nodes.map((_, index) => readFileSync(this.#nodeLog(index + 1), "utf8"));
		await rm(this.#folder, { recursive: true, force: true });
		for (const output of outputs) refuseStrayErrors(output);
	}

	#nodeLog(node: number): string {
		return join(this.#folder, `node-${node}.log`);
	}

	get #log(): string {
		return join(this.#folder, "haproxy.log");
	}

	async #start(count: number, settings: NodeJS.ProcessEnv): Promise<void> {
		const onSpawn = (service: Service) => this.#others.push(service);
		const postgres = preparePostgres({
			folder: join(this.#folder, "postgres"),
			port: await freePort(),
			user: "indelible",
			password: "indelible",
			isTemporary: true,
			output: "ignore",
		});
		const redisPort = await freePort();
		const redis = join(this.#folder, "redis");
		await mkdir(redis);
		await Promise.all([
			postgres.start(onSpawn),
			startRedisService({ port: redisPort, folder: redis, output: "ignore", onSpawn }),
		]);
		const environment = {
			...environmentWithoutSettings(),
			...settings,
			INDELIBLE_DATABASE_URL: postgres.url(),
			INDELIBLE_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
		};
		const nodes: string[] = [];
		for (let node = 1; node <= count; node += 1) {
			const output = openSync(this.#nodeLog(node), "w");
			nodes.push(await startNode({ environment, output, onSpawn: (service) => this.#nodes.push(service) }));
			closeSync(output);
		}
		this.#nodeUrls.push(...nodes.map((authority) => `http://${authority}`));
		const output = openSync(this.#log, "w");
		const balancer = { flavour: "any-node", nodes, port: this.#port, folder: this.#folder } as const;
		await startBalancer({ ...balancer, output, onSpawn });
	}
}

interface NodeStart {
	readonly environment: NodeJS.ProcessEnv;
	/** A file that is open. */
	readonly output: number;
	readonly onSpawn: (service: Service) => void;
}

/** @returns Its `host:port`. */
async function startNode({ environment, output, onSpawn }: NodeStart): Promise<string> {
	const port = await freePort();
	await startService({
		title: "a node",
		program: process.execPath,
		args: [launcher, "start", "--port", String(port), "--log-format", "json"],
		output,
		spawn: { env: environment },
		onSpawn,
		answers: async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
	});
	return `127.0.0.1:${port}`;
}
