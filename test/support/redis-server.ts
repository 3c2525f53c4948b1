import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";
import { freePort } from "./node-process.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A real Redis of the test's own, which keeps nothing when it stops. */
export interface RedisServer {
	readonly port: number;
	readonly url: string;
	/** Runs a command, for what tests do to Redis behind the nodes' back. */
	command(name: string, ...parameters: (string | number)[]): Promise<unknown>;
	/** Waits until it answers. */
	start(): Promise<void>;
	/** As a crash does. */
	kill(): Promise<void>;
	/**
	 * Runs `act`, and then waits until everything published before has been counted.
	 * @returns What was published meanwhile, by anybody, in order.
	 */
	published(act: () => Promise<void>): Promise<Published[]>;
}

export interface Published {
	readonly channel: string;
	/** Of the message. */
	readonly bytes: number;
}

/** @throws With what to do when it is nowhere. */
function ensureInstalled(): void {
	const isInstalled = () => spawnSync("redis-server", ["--version"]).status === 0;
	if (isInstalled()) return;
	if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
		console.info("Installing Redis from Debian …");
		try {
			const quiet = { stdio: ["ignore", "ignore", "inherit"] as ["ignore", "ignore", "inherit"] };
			execFileSync("apt-get", ["update", "-qq"], quiet);
			execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "redis-server"], quiet);
		} catch {
			// The message below says what to do.
		}
	}
	if (!isInstalled())
		throw new Error("these tests need redis-server on the path: apt-get install redis-server");
}

/** Starts a server that goes when the test ends. */
export async function startRedis(...settings: readonly string[]): Promise<RedisServer> {
	ensureInstalled();
	const port = await freePort();
	const folder = temporaryFolder();
	let child: ChildProcess | undefined;
	let control: Redis | undefined;
	const server: RedisServer = {
		port,
		url: `redis://127.0.0.1:${port}`,
		async start() {
			const flags = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
			child = spawn("redis-server", [...flags, "--enable-debug-command", "yes", ...settings], {
				stdio: "ignore",
			});
			control = new Redis({ port, host: "127.0.0.1", lazyConnect: true, retryStrategy: () => null });
			control.on("error", () => {});
			await eventually("Redis to answer", async () => {
				if (control?.status === "end" || control?.status === "wait") await control.connect();
				return (await control?.ping()) === "PONG";
			});
		},
		async kill() {
			control?.disconnect();
			if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
			const ended = once(child, "exit");
			child.kill("SIGKILL");
			await ended;
		},
		command: async (name, ...parameters) => control?.call(name, ...parameters),
		async published(act) {
			const messages: Published[] = [];
			const listener = new Redis({ port, host: "127.0.0.1" });
			listener.on("pmessageBuffer", (_pattern: string, channel: Buffer, message: Buffer) =>
				messages.push({ channel: channel.toString(), bytes: message.byteLength }),
			);
			await listener.psubscribe("*");
			await act();
			await listener.ping();
			listener.disconnect();
			return messages;
		},
	};
	// First, so that one that does not answer goes as well.
	onTestFinished(() => server.kill());
	await server.start();
	return server;
}
