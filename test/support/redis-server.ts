import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { startRedisService } from "../../scripts/services/redis.ts";
import type { Service } from "../../scripts/services/service.ts";
import { freePort } from "./node-process.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A real Redis of the test's own, which keeps nothing when it stops. */
export interface RedisServer {
	readonly port: number;
	readonly url: string;
	/** Runs a command, for what tests do to Redis behind the nodes' back. */
	command(name: string, ...parameters: (string | number | Buffer)[]): Promise<unknown>;
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
	readonly message: Buffer;
	/** Of the message. */
	readonly bytes: number;
}

/** Starts a server that goes when the test ends. */
export async function startRedis(...settings: readonly string[]): Promise<RedisServer> {
	const port = await freePort();
	const folder = temporaryFolder();
	let service: Service | undefined;
	let control: Redis | undefined;
	const server: RedisServer = {
		port,
		url: `redis://127.0.0.1:${port}`,
		async start() {
			await startRedisService({
				port,
				folder,
				settings: ["--enable-debug-command", "yes", ...settings],
				onSpawn: (spawned) => {
					service = spawned;
				},
			});
			control = new Redis({ port, host: "127.0.0.1", lazyConnect: true, retryStrategy: () => null });
			control.on("error", () => {});
			await control.connect();
		},
		async kill() {
			control?.disconnect();
			await service?.stop("SIGKILL");
		},
		async command(name, ...parameters) {
			// A server that becomes a replica ends its connections.
			if (control?.status === "end") await control.connect();
			return control?.call(name, ...parameters);
		},
		async published(act) {
			const messages: Published[] = [];
			const listener = new Redis({ port, host: "127.0.0.1" });
			listener.on("pmessageBuffer", (_pattern: string, channel: Buffer, message: Buffer) =>
				messages.push({ channel: channel.toString(), message, bytes: message.byteLength }),
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
