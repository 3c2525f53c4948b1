import { Redis } from "ioredis";
import type { RedisClient } from "./redis-link.ts";

/** Between two attempts to connect, at most. */
const retryMsMax = 2_000;

/** Makes connections for a URL such as `redis://:password@host:6379/0`, `rediss://` for TLS. */
export function clientForUrl(url: string): () => RedisClient {
	return () =>
		new Redis(url, {
			// Nothing is kept for later: the bus compares states when Redis is back.
			enableOfflineQueue: false,
			autoResendUnfulfilledCommands: false,
			autoResubscribe: false,
			maxRetriesPerRequest: null,
			connectTimeout: 5_000,
			// So that nodes that lost one Redis together don't come back together.
			retryStrategy: (attempt) =>
				Math.min(retryMsMax, 50 * 2 ** Math.min(attempt, 10)) * (0.75 + Math.random() / 4),
		});
}

/** @returns Where it is, for people and logs: without user, password and query. */
export function locationOf(url: string): string {
	try {
		const { protocol, host, pathname } = new URL(url);
		return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
	} catch {
		return "Redis";
	}
}

/**
 * Connects once, for whoever wants to know beforehand.
 * @returns The version that Redis (or what speaks its protocol) says it has.
 * @throws What ioredis throws: that nobody answers, or that it does not let us in.
 */
export async function redisVersion(url: string): Promise<string> {
	const client = new Redis(url, { lazyConnect: true, connectTimeout: 5_000, retryStrategy: () => null });
	const failure = Promise.withResolvers<never>();
	client.on("error", failure.reject);
	try {
		const info = await Promise.race([client.connect().then(() => client.info("server")), failure.promise]);
		return /^redis_version:(\S+)/m.exec(info)?.[1] ?? "of an unknown version";
	} finally {
		client.disconnect();
	}
}
