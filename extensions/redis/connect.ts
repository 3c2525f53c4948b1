import { Cluster, Redis, type RedisOptions } from "ioredis";
import { Connector } from "./connector.ts";
import { type Deployment, infoFields, redisCluster, sentinels, singleServer } from "./deployment.ts";
import type { RedisClient } from "./redis-link.ts";
import { type Place, parseRedisUrl, type RedisAddress } from "./redis-url.ts";
import { askSentinels } from "./sentinel-survey.ts";

/** Between two attempts to connect, at most. */
const retryMsMax = 2_000;
/** Counting listeners is all that needs an up-to-date list of a cluster's servers. */
const clusterRefreshMs = 30_000;

/**
 * Makes connections for a URL, as {@link parseRedisUrl} reads it.
 * @throws {RedisUrlError} that says what is wrong with it.
 */
export function clientForUrl(url: string): () => RedisClient {
	const address = parseRedisUrl(url);
	let clients = Math.floor(Math.random() * address.places.length);
	return () => new Connection(address, clients++);
}

/** An ioredis connection that looks for its server anew with each attempt. */
class Connection extends Redis implements RedisClient {
	readonly #address: RedisAddress;
	readonly #deployment: Deployment;
	readonly #connector: Connector;
	#counting: Cluster | undefined;

	constructor(address: RedisAddress, start: number, options: RedisOptions = {}) {
		const deployment = deploymentOf(address, start);
		const connector = new Connector(deployment, address.tls);
		super({
			...loginOf(address),
			// What a constructor returns is what `new` gives; ioredis makes it with `new`, once.
			Connector: function make() {
				return connector;
			} as unknown as new () => Connector,
			// Nothing is kept for later: the bus compares states when Redis is back.
			enableOfflineQueue: false,
			autoResendUnfulfilledCommands: false,
			autoResubscribe: false,
			// What was on its way fails with its connection; otherwise ioredis would never settle it.
			maxRetriesPerRequest: 0,
			disableClientInfo: true,
			retryStrategy,
			...options,
		});
		this.#address = address;
		this.#deployment = deployment;
		this.#connector = connector;
	}

	/** Only in a cluster: publishing says how many listen on one of its servers. Empty until the others are known. */
	get nodes(): ((role: "all") => Redis[]) | undefined {
		if (this.#address.kind !== "cluster") return undefined;
		return (role) => (this.#counting?.status === "ready" ? this.#counting.nodes(role) : []);
	}

	/** @returns Why it would be better to connect anew. */
	async review(): Promise<string | undefined> {
		if (this.#address.kind === "cluster") this.#counting ??= clusterClient(this.#address);
		try {
			return await this.#deployment.review(this, this.#connector.place);
		} catch {
			// Not to be told is no reason; the connection's own events say when it is gone.
			return undefined;
		}
	}

	override disconnect(reconnect = false): void {
		super.disconnect(reconnect);
		if (!reconnect) this.#counting?.disconnect();
	}
}

function deploymentOf(address: RedisAddress, start: number): Deployment {
	const { places, tls } = address;
	switch (address.kind) {
		case "single":
			return singleServer(firstOf(places));
		case "cluster":
			return redisCluster(places, start);
		case "sentinel": {
			const { name, sentinel: credentials } = address;
			return sentinels(() => askSentinels({ places, name, credentials, tls }));
		}
	}
}

function firstOf([place]: readonly Place[]): Place {
	if (place === undefined) throw new TypeError("an address needs a place");
	return place;
}

function loginOf({ username, password, tls }: RedisAddress): RedisOptions {
	return {
		...(username === undefined ? {} : { username }),
		...(password === undefined ? {} : { password }),
		...(tls ? { tls: {} } : {}),
	};
}

function clusterClient(address: RedisAddress): Cluster {
	const client = new Cluster([...address.places], {
		// Certificates are for names.
		dnsLookup: (host, callback) => callback(null, host),
		enableOfflineQueue: false,
		// A cluster that has lost some of its slots passes messages on all the same.
		enableReadyCheck: false,
		clusterRetryStrategy: retryStrategy,
		slotsRefreshInterval: clusterRefreshMs,
		redisOptions: { ...loginOf(address), disableClientInfo: true, connectTimeout: 2_000 },
	});
	client.on("error", () => {});
	return client;
}

/** So that nodes that lost one Redis together don't come back together. */
function retryStrategy(attempt: number): number {
	return Math.min(retryMsMax, 50 * 2 ** Math.min(attempt, 10)) * (0.75 + Math.random() / 4);
}

/** What a server is like, for the operator. */
export interface RedisDiagnostics {
	/** What answers, and its version: `Redis 7.0.15`, `Valkey 8.0.1`. */
	readonly product: string;
	/** There and back, for the quickest of a few questions, in ms. */
	readonly latencyMs: number;
	/** Of its clients, by `INFO`; `undefined` when it does not say. */
	readonly clients: number | undefined;
	readonly clientsMax: number | undefined;
	/** Bytes that may wait for a listener, and above which it is cut off at once; `undefined` when we may not ask. 0 for no limit. */
	readonly listenerBytesMax: number | undefined;
	/** How far its clock is ahead of this machine's, in ms; `undefined` when we may not ask. */
	readonly clockAheadMs: number | undefined;
}

/**
 * Connects once, for whoever wants to know beforehand, and says something on a channel to which nobody listens.
 * @param channel One that nodes may use.
 * @throws {RedisUrlError} or what ioredis throws: that nobody answers, or that it does not let us in or speak there.
 */
export async function diagnoseRedis(url: string, channel: string): Promise<RedisDiagnostics> {
	const client = new Connection(parseRedisUrl(url), 0, { lazyConnect: true, retryStrategy: () => null });
	const failure = Promise.withResolvers<never>();
	client.on("error", failure.reject);
	try {
		return await Promise.race([client.connect().then(() => ask(client, channel)), failure.promise]);
	} finally {
		client.disconnect();
	}
}

const questions = 5;

async function ask(client: Redis, channel: string): Promise<RedisDiagnostics> {
	const { valkey_version, redis_version = "of an unknown version" } = infoFields(await client.info("server"));
	let latencyMs = Number.POSITIVE_INFINITY;
	for (let count = 0; count < questions; count += 1) {
		const startedMs = performance.now();
		await client.info("replication");
		latencyMs = Math.min(latencyMs, performance.now() - startedMs);
	}
	const { connected_clients, maxclients } = infoFields(await client.info("clients"));
	// A role with the rights that a node needs may do neither.
	const limit = await client.config("GET", "client-output-buffer-limit").catch(() => undefined);
	const time = await client.time().catch(() => undefined);
	const nowMs = Date.now();
	await client.publish(channel, "");
	// From here on it takes no other commands.
	await client.subscribe(channel);
	return {
		product: valkey_version === undefined ? `Redis ${redis_version}` : `Valkey ${valkey_version}`,
		latencyMs,
		clients: numberOf(connected_clients),
		clientsMax: numberOf(maxclients),
		listenerBytesMax: numberOf(/pubsub (\d+)/.exec(String(limit))?.[1]),
		clockAheadMs: time === undefined ? undefined : Number(time[0]) * 1_000 + Number(time[1]) / 1_000 - nowMs,
	};
}

function numberOf(text: string | undefined): number | undefined {
	return text === undefined ? undefined : Number(text);
}
