import { join } from "node:path";
import { Redis } from "ioredis";
import { programFolder } from "./programs.ts";
import { type Output, type Service, startService } from "./service.ts";

export interface RedisOptions {
	readonly port: number;
	/** Where the process works; it writes nothing. */
	readonly folder: string;
	/** More arguments for `redis-server`. */
	readonly settings?: readonly string[];
	readonly output?: Output;
	readonly detached?: boolean;
	readonly onSpawn?: (service: Service) => void;
}

/** @throws With what to do when there is no Redis. */
function findRedis(): string {
	return programFolder({ title: "Redis", names: ["redis-server"], debianPackage: "redis-server" });
}

/** A Redis that listens on this machine only and keeps nothing when it stops. Answers when this returns. */
export async function startRedisService(options: RedisOptions): Promise<Service> {
	const { port, folder, settings = [], output = "ignore", detached = false, onSpawn } = options;
	const probe = new Redis({ port, host: "127.0.0.1", lazyConnect: true, retryStrategy: () => null });
	probe.on("error", () => {});
	try {
		return await startService({
			title: "Redis",
			program: join(findRedis(), "redis-server"),
			args: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...settings],
			output,
			spawn: { detached },
			...(onSpawn && { onSpawn }),
			answers: async () => {
				if (probe.status === "end" || probe.status === "wait") await probe.connect();
				return (await probe.ping()) === "PONG";
			},
		});
	} finally {
		probe.disconnect();
	}
}
