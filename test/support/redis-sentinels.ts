import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";
import { freePort } from "./node-process.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A real Redis Sentinel, told to be impatient. */
export interface Sentinel {
	readonly port: number;
	command(name: string, ...parameters: (string | number)[]): Promise<unknown>;
	kill(): Promise<void>;
}

/** A primary and a replica, and Sentinels that call the primary `mymaster`. */
export interface Replication {
	readonly servers: readonly [RedisServer, RedisServer];
	readonly sentinels: readonly Sentinel[];
	/** `redis+sentinel://`, with `login` as `user:password`. */
	url(login?: string, parameters?: string): string;
	/** The server that the Sentinels name now. */
	primary(): Promise<RedisServer>;
}

const name = "mymaster";

/** Starts a Sentinel that goes when the test ends; it may be started before what it watches. */
export async function startSentinel(
	options: { readonly primaryPort: number; readonly quorum: number; readonly port?: number },
	...lines: readonly string[]
): Promise<Sentinel> {
	const port = options.port ?? (await freePort());
	const folder = temporaryFolder();
	const file = join(folder, "sentinel.conf");
	const configuration = [
		`port ${port}`,
		"bind 127.0.0.1",
		`dir ${folder}`,
		`sentinel monitor ${name} 127.0.0.1 ${options.primaryPort} ${options.quorum}`,
		`sentinel down-after-milliseconds ${name} 1000`,
		`sentinel failover-timeout ${name} 6000`,
	];
	writeFileSync(file, [...configuration, ...lines, ""].join("\n"));
	const child = spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" });
	const password = lines.find((line) => line.startsWith("requirepass "))?.slice("requirepass ".length);
	const control = new Redis({
		port,
		host: "127.0.0.1",
		retryStrategy: () => 100,
		...(password === undefined ? {} : { password }),
	});
	control.on("error", () => {});
	const sentinel: Sentinel = {
		port,
		command: (command, ...parameters) => control.call(command, ...parameters),
		async kill() {
			control.disconnect();
			if (child.exitCode !== null || child.signalCode !== null) return;
			const ended = once(child, "exit");
			child.kill("SIGKILL");
			await ended;
		},
	};
	onTestFinished(() => sentinel.kill());
	await eventually("the Sentinel to answer", async () => (await control.ping()) === "PONG");
	return sentinel;
}

/** Waits until a failover would work: everybody knows everybody. */
export async function startReplication(sentinelCount = 3): Promise<Replication> {
	const quick = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
	const first = await startRedis(...quick);
	const second = await startRedis(...quick, "--replicaof", `127.0.0.1 ${first.port}`);
	await eventually("the replica to have a primary", async () =>
		String(await second.command("INFO", "replication")).includes("master_link_status:up"),
	);
	const quorum = Math.floor(sentinelCount / 2) + 1;
	const sentinels: Sentinel[] = [];
	for (let index = 0; index < sentinelCount; index += 1)
		sentinels.push(await startSentinel({ primaryPort: first.port, quorum }));
	for (const sentinel of sentinels) {
		await eventually("the Sentinel to know the others and the replica", async () => {
			const fields = (await sentinel.command("SENTINEL", "MASTER", name)) as string[];
			const field = (key: string) => Number(fields[fields.indexOf(key) + 1]);
			return field("num-slaves") === 1 && field("num-other-sentinels") === sentinelCount - 1;
		});
	}
	const servers = [first, second] as const;
	return {
		servers,
		sentinels,
		url(login, parameters = "") {
			const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
			return `redis+sentinel://${login === undefined ? "" : `${login}@`}${hosts}/${name}${parameters}`;
		},
		async primary() {
			const places = await Promise.all(
				sentinels.map((sentinel) => sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)),
			);
			const [place] = places as string[][];
			const primary = servers.find(({ port }) => String(port) === place?.[1]);
			if (primary === undefined) throw new Error("the Sentinels name nobody that we know");
			return primary;
		},
	};
}
