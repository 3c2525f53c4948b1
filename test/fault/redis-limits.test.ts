import { expect, onTestFinished, test } from "vitest";
import { clientForUrl } from "../../extensions/redis/connect.ts";
import { RedisLink } from "../../extensions/redis/redis-link.ts";
import type { Client } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import type { LocalNode } from "../support/local-node.ts";
import { updatesOfPage } from "../support/published-updates.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const KiB = 1024;
const healMsMax = 40_000;

async function connected(...nodes: LocalNode[]): Promise<void> {
	await eventually(
		"the nodes to hear each other",
		() => nodes.every(({ node }) => node.bus?.nodes.length === 1 && node.readiness().degraded?.length === 0),
		healMsMax,
	);
}

async function degraded({ node }: LocalNode, why: RegExp): Promise<void> {
	await eventually(`/readyz to say ${why}`, () => why.test(node.readiness().degraded?.[0] ?? ""), healMsMax);
	expect(node.readiness()).toMatchObject({ ready: true, reasons: [] });
}

async function agree(...people: Client[]): Promise<void> {
	await eventually(
		"everybody to have the same",
		() => new Set(people.map(({ text }) => text.toString())).size === 1,
		healMsMax,
	);
}

async function statistic(redis: RedisServer, name: string): Promise<number> {
	const info = String(await redis.command("INFO", "everything"));
	return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]);
}

test("[CLU2] a node that reads too slowly is cut off by Redis, comes back and misses nothing", async () => {
	const redis = await startRedis();
	await redis.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0");
	const cable = await startTcpProxy(redis.port);
	const cluster = localCluster(redis.url);
	const one = await cluster.node();
	const two = await cluster.node({ redisUrl: `redis://127.0.0.1:${cable.port}` });
	await connected(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	cable.freeze();
	const listeners = async () =>
		String(await redis.command("CLIENT", "LIST", "TYPE", "pubsub"))
			.split("\n")
			.filter(Boolean).length;
	expect(await listeners()).toBe(2);
	// Buffers of the network hold some megabytes.
	for (let round = 0; round < 300 && (await listeners()) === 2; round += 1)
		await anna.type("x".repeat(100 * KiB)).saved();
	expect(await listeners()).toBe(1);
	expect(one.node.readiness().degraded).toEqual([]);
	bert.type("meanwhile");
	cable.heal();
	await connected(one, two);
	await agree(anna, bert);
	expect(bert.text.toString()).toContain("meanwhile");
});

test("[CLU2] [CLU3] an update that Redis passes on to nobody, because it is larger than its limit, arrives, and then there is peace", async () => {
	const redis = await startRedis();
	await redis.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 512kb 0 0");
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	await connected(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	await anna.type("x".repeat(2_000 * KiB)).saved();
	await agree(anna, bert);
	expect(bert.text.length).toBe(2_000 * KiB);
	await connected(one, two);
	// Nodes that compare states must not send each other what cuts them off once more.
	const before = await statistic(redis, "total_connections_received");
	anna.type("y");
	await agree(anna, bert);
	const heard = one.node.bus?.stats().receivedMessages ?? 0;
	await eventually(
		"three more heartbeats of both nodes",
		() => (one.node.bus?.stats().receivedMessages ?? 0) >= heard + 6,
	);
	expect(await statistic(redis, "total_connections_received")).toBe(before);
	await connected(one, two);
});

test("Redis whose memory is full passes messages on all the same", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const one = await cluster.node();
	await redis.command("SET", "other", "x".repeat(100 * KiB));
	await redis.command("CONFIG", "SET", "maxmemory", 64 * KiB);
	await expect(redis.command("SET", "another", "x")).rejects.toThrow(/OOM/);
	const two = await cluster.node();
	await connected(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	const published = await redis.published(async () => {
		anna.type("x");
		await agree(anna, bert);
	});
	expect(updatesOfPage(published)).toHaveLength(1);
});

test("[CLU3] a node for which Redis has no connection left serves and saves, says so, and gets one when there is one", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const one = await cluster.node();
	await redis.command("CONFIG", "SET", "maxclients", await statistic(redis, "connected_clients"));
	const two = await cluster.node();
	await degraded(two, /is away: .*max number of clients reached/);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	await anna.type("a").saved();
	await bert.type("b").saved();
	await redis.command("CONFIG", "SET", "maxclients", 1_000);
	await connected(one, two);
	await agree(anna, bert);
	expect(bert.text.length).toBe(2);
});

test("[CLU3] Redis that has been paused is told to be away; what was typed meanwhile is saved, and arrives", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	await connected(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	await redis.command("CLIENT", "PAUSE", 14_000, "ALL");
	await degraded(one, /is away: it does not answer/);
	await degraded(two, /is away: it does not answer/);
	await anna.type("a").saved();
	await bert.type("b").saved();
	await connected(one, two);
	await agree(anna, bert);
	expect(bert.text.length).toBe(2);
});

test("[CLU3] a node does not stay with a server that has become a replica, where only itself would hear it", async () => {
	const [primary, replica] = [await startRedis(), await startRedis()];
	const cluster = localCluster(primary.url);
	const one = await cluster.node();
	const two = await cluster.node({ redisUrl: replica.url });
	expect([one, two].map(({ node }) => node.readiness().degraded)).toEqual([[], []]);
	await replica.command("REPLICAOF", "127.0.0.1", primary.port);
	await degraded(two, /is away: it is a replica, whose messages don't reach the others/);
	const bert = await two.client("page").synced();
	await bert.type("saved").saved();
	// As when the name of the primary points to the right server again.
	await replica.command("REPLICAOF", "NO", "ONE");
	await eventually("it to be used again", () => two.node.readiness().degraded?.length === 0);
	expect(one.node.readiness().degraded).toEqual([]);
});

test("[CLU2] what was on its way when a connection broke is given up, and does not fill the line for ever", async () => {
	const redis = await startRedis();
	const cable = await startTcpProxy(redis.port);
	let isListening = false;
	const link = new RedisLink(
		{
			createClient: clientForUrl(`redis://127.0.0.1:${cable.port}`),
			now: () => performance.now(),
			inFlightBytesMax: 100 * KiB,
			onMessage: () => {},
			onSubscribed: () => {
				isListening = true;
			},
			onAway: () => {},
		},
		["channel"],
	);
	onTestFinished(() => link.close());
	await eventually("the link to be ready", () => isListening);
	for (let round = 0; round < 3; round += 1) {
		cable.freeze();
		const outcomes = [1, 2].map(() => link.publish("channel", Buffer.alloc(60 * KiB)));
		expect(await link.publish("channel", Buffer.alloc(1))).toBeUndefined();
		cable.cut();
		expect(await Promise.all(outcomes)).toEqual([undefined, undefined]);
		cable.heal();
		await eventually(
			"messages to pass again",
			async () => (await link.publish("channel", Buffer.alloc(1))) === 1,
		);
	}
});
