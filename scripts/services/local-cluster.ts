import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BalancerFlavour, startBalancer } from "./balancer.ts";
import { freePort } from "./free-port.ts";
import { KeptService, type KeptServiceOptions } from "./kept-service.ts";
import { startNodeService } from "./node.ts";
import { postgresSignals, preparePostgres } from "./postgres.ts";
import { startRedisService } from "./redis.ts";
import type { Service } from "./service.ts";

export interface LocalClusterOptions {
	readonly nodes: number;
	/** The balancer's. Nodes take those after it that are free. */
	readonly port: number;
	/** The balancer's address. */
	readonly host: string;
	/** Kept between starts. */
	readonly folder: string;
	readonly flavour: BalancerFlavour;
	/** Told what happens to services that have started. */
	report(event: ClusterEvent): void;
}

export type ClusterEvent =
	| { readonly type: "lost"; readonly title: string; readonly pid: number; readonly how: string }
	| { readonly type: "back"; readonly title: string; readonly pid: number }
	| { readonly type: "failed"; readonly title: string; readonly reason: string };

export interface ClusterNode {
	readonly title: string;
	readonly port: number;
	readonly pid: number | undefined;
}

const leash = fileURLToPath(new URL("leash.ts", import.meta.url));

/** Nodes, Redis, Postgres and HAProxy on this machine, each in a process of its own. What is killed is started again. */
export class LocalCluster {
	readonly #options: LocalClusterOptions;
	readonly #leash: ChildProcess;
	/** In the order in which they end: nodes drain while what they need is there. */
	readonly #stages: KeptService[][] = [];
	#isEnding = false;

	constructor(options: LocalClusterOptions) {
		this.#options = options;
		mkdirSync(this.logs, { recursive: true });
		this.#leash = spawn(process.execPath, [leash], {
			stdio: ["pipe", "ignore", "ignore"],
			detached: true,
		});
		// Its end is ours, or somebody's who wanted it.
		this.#leash.stdin?.on("error", () => {});
	}

	get logs(): string {
		return join(this.#options.folder, "logs");
	}

	/** @throws When something can't start. Call {@link end} then as well. */
	async start(): Promise<readonly ClusterNode[]> {
		const { nodes, host, port, folder, flavour } = this.#options;
		const redisPort = await freePort();
		const redis = this.#kept("Redis", "SIGTERM", (onSpawn) =>
			startRedisService({ port: redisPort, folder, output: this.#log("redis"), detached: true, onSpawn }),
		);
		const postgresOptions = {
			folder: join(folder, "postgres"),
			output: this.#log("postgres"),
			detached: true,
		};
		const account = { user: "indelible", password: password(join(folder, "postgres-password")) };
		const prepared = preparePostgres({ ...postgresOptions, ...account, port: await freePort() });
		const postgres = this.#kept("PostgreSQL", postgresSignals.fast, prepared.start);
		this.#stages.push([redis], [postgres]);
		await Promise.all([redis.start(), postgres.start()]);

		const environment = {
			INDELIBLE_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
			INDELIBLE_DATABASE_URL: prepared.url(),
		};
		const nodePorts: number[] = [];
		// One after the other, so that none takes the port that the next one would.
		for (let index = 1; index <= nodes; index += 1) nodePorts.push(await freePort(port + index));
		const running = nodePorts.map((nodePort, index) => {
			const title = `node ${index + 1}`;
			const output = this.#log(`node-${index + 1}`);
			return this.#kept(title, "SIGTERM", (onSpawn) =>
				startNodeService({ title, port: nodePort, environment, output, onSpawn }),
			);
		});
		this.#stages.unshift(running);
		await Promise.all(running.map((node) => node.start()));

		const addresses = nodePorts.map((nodePort) => `127.0.0.1:${nodePort}`);
		const output = this.#log("haproxy");
		const balancer = this.#kept("HAProxy", "SIGTERM", (onSpawn) =>
			startBalancer({ flavour, nodes: addresses, host, port, folder, output, detached: true, onSpawn }),
		);
		this.#stages.splice(1, 0, [balancer]);
		await balancer.start();
		return running.map((node, index) => ({
			title: node.title,
			port: nodePorts[index] ?? 0,
			get pid() {
				return node.pid;
			},
		}));
	}

	/** Ends everything in good order, or at once. Nothing runs when this returns. */
	async end(how: "orderly" | "at once" = "orderly"): Promise<void> {
		this.#isEnding = true;
		if (how === "at once") await Promise.all(this.#stages.flat().map((service) => service.end("SIGKILL")));
		else for (const stage of this.#stages) await Promise.all(stage.map((service) => service.end()));
		this.#leash.stdin?.end();
	}

	#kept(title: string, endSignal: NodeJS.Signals, start: KeptServiceOptions["start"]): KeptService {
		if (this.#isEnding) throw new Error("ended while it started");
		const { report } = this.#options;
		return new KeptService({
			title,
			endSignal,
			start,
			onSpawn: (service) => this.#hold(service, endSignal),
			onLost: ({ pid, end }) => report({ type: "lost", title, pid, how: end ?? "ended" }),
			onBack: ({ pid }) => report({ type: "back", title, pid }),
			onFailed: (reason) => report({ type: "failed", title, reason }),
		});
	}

	/** So that the service goes with this process, also when nothing else can be done any more. */
	#hold({ pid, ended }: Service, endSignal: NodeJS.Signals): void {
		this.#leash.stdin?.write(`${pid} ${endSignal}\n`);
		void ended.then(() => this.#leash.stdin?.write(`${pid}\n`));
	}

	#log(name: string): number {
		return openSync(join(this.logs, `${name}.log`), "w");
	}
}

/** Made at the first start. The data knows it from then on. */
function password(file: string): string {
	if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
	return readFileSync(file, "utf8");
}
