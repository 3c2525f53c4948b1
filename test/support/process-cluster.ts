import { onTestFinished } from "vitest";
import { type BalancerFlavour, startBalancer } from "../../scripts/services/balancer.ts";
import type { Service } from "../../scripts/services/service.ts";
import { eventually } from "./eventually.ts";
import { freePort, type NodeProcess, startNodeProcess } from "./node-process.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** What a node is connected with, each over a network of its own that can be broken. */
export const neighbours = ["redis", "postgres", "balancer"] as const;
export type Neighbour = (typeof neighbours)[number];

/** One of the nodes; its process may come and go. */
export interface ClusterNode {
	readonly name: string;
	/** Past the balancer. */
	readonly url: string;
	readonly isRunning: boolean;
	/** The network between it and a neighbour. @throws When the cluster was started without. */
	network(neighbour: Neighbour): TcpProxy;
	/** Waits until it is ready. */
	start(): Promise<void>;
	/** Sends a signal. @returns How the process ended. */
	stop(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
	/** It stands still, and its connections stay open. */
	pause(): void;
	resume(): void;
	/** What all its processes have logged. */
	output(): string;
	/** The answer of `/readyz`. */
	readiness(): Promise<{ readonly status: number; readonly body: string }>;
}

/** Nodes, Redis, Postgres and HAProxy, all real and in processes of their own. */
export interface ProcessCluster {
	/** The balancer's. */
	readonly url: string;
	readonly databaseUrl: string;
	readonly nodes: readonly ClusterNode[];
	readonly redis: RedisServer;
	readonly postgres: PostgresServer;
	node(index: number): ClusterNode;
}

export interface ProcessClusterOptions {
	readonly nodes?: number;
	readonly flavour?: BalancerFlavour;
	/** Puts a network that can be broken between each node and its neighbours. */
	readonly hasNetworks?: boolean;
	/** For each node. */
	readonly flags?: readonly string[];
}

/** Starts them; they go when the test ends. The balancer has found all nodes when this returns. */
export async function startProcessCluster(options: ProcessClusterOptions = {}): Promise<ProcessCluster> {
	const [redis, postgres, port] = await Promise.all([startRedis(), startPostgres(), freePort()]);
	const databaseUrl = await postgres.newDatabase();
	const made = await Promise.all(
		Array.from({ length: options.nodes ?? 3 }, (_, index) =>
			createNode(`node ${index + 1}`, redis, postgres, databaseUrl, options),
		),
	);
	await Promise.all(made.map(({ node }) => node.start()));
	await startHaproxy(
		port,
		options.flavour ?? "any-node",
		made.map(({ address }) => address),
	);
	const nodes = made.map(({ node }) => node);
	return {
		url: `ws://127.0.0.1:${port}`,
		databaseUrl,
		nodes,
		redis,
		postgres,
		node(index) {
			const node = nodes[index];
			if (node === undefined) throw new Error(`there is no node ${index}`);
			return node;
		},
	};
}

async function startHaproxy(port: number, flavour: BalancerFlavour, nodes: readonly string[]): Promise<void> {
	let haproxy: Service | undefined;
	onTestFinished(() => haproxy?.stop("SIGKILL"));
	await startBalancer({
		flavour,
		nodes,
		port,
		folder: temporaryFolder(),
		output: "ignore",
		onSpawn: (service) => {
			haproxy = service;
		},
	});
	await eventually(
		"the balancer to pass requests on",
		async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
	);
}

async function createNode(
	name: string,
	redis: RedisServer,
	postgres: PostgresServer,
	databaseUrl: string,
	{ hasNetworks = false, flags = [] }: ProcessClusterOptions,
): Promise<{ readonly node: ClusterNode; readonly address: string }> {
	const port = await freePort();
	const targets = { redis: redis.port, postgres: postgres.port, balancer: port };
	const networks = new Map<Neighbour, TcpProxy>();
	if (hasNetworks)
		for (const neighbour of neighbours) networks.set(neighbour, await startTcpProxy(targets[neighbour]));
	const portFor = (neighbour: Neighbour) => networks.get(neighbour)?.port ?? targets[neighbour];
	const database = new URL(databaseUrl);
	database.port = String(portFor("postgres"));
	const environment = {
		INDELIBLE_DATABASE_URL: database.href,
		INDELIBLE_REDIS_URL: `redis://127.0.0.1:${portFor("redis")}`,
	};
	const data = temporaryFolder();
	let running: NodeProcess | undefined;
	let past = "";
	onTestFinished(async () => {
		await running?.stop("SIGKILL");
	});
	const node: ClusterNode = {
		name,
		url: `ws://127.0.0.1:${port}`,
		get isRunning() {
			return running !== undefined && running.child.exitCode === null && running.child.signalCode === null;
		},
		network(neighbour) {
			const network = networks.get(neighbour);
			if (network === undefined) throw new Error("the cluster has no networks that can be broken");
			return network;
		},
		async start() {
			past = node.output();
			running = undefined;
			running = await startNodeProcess({ data, port, flags, environment });
		},
		async stop(signal) {
			if (running === undefined) throw new Error(`${name} does not run`);
			return running.stop(signal);
		},
		pause: () => running?.child.kill("SIGSTOP"),
		resume: () => running?.child.kill("SIGCONT"),
		output: () => past + (running?.output() ?? ""),
		async readiness() {
			const response = await fetch(`http://127.0.0.1:${port}/readyz`);
			return { status: response.status, body: await response.text() };
		},
	};
	return { node, address: `127.0.0.1:${portFor("balancer")}` };
}
