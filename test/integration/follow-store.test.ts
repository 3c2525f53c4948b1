import { Server } from "@hocuspocus/server";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { Durability, PostgresStore } from "../../extensions/durability/index.ts";
import type { Follow } from "../../extensions/durability/store.ts";
import { RedisBus } from "../../extensions/redis/index.ts";
import { createNode } from "../../server/index.ts";
import { type Client, openClient } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNode, startLocalNode } from "../support/local-node.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { startRedis } from "../support/redis-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

let postgres: PostgresServer;
let endPostgres = async () => {};
beforeAll(async () => {
	postgres = await startPostgres((end) => {
		endPostgres = end;
	});
});
afterAll(() => endPostgres());

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What the guarantee allows. */
const convergenceMsMax = 2_000;

async function acquainted(...nodes: LocalNode[]): Promise<void> {
	await eventually("the nodes to know each other", () =>
		nodes.every(({ node }) => node.bus?.nodes.length === nodes.length - 1),
	);
}

async function away(...nodes: LocalNode[]): Promise<void> {
	await eventually(
		"them to notice that Redis is away",
		() => nodes.every(({ node }) => node.readiness().degraded?.length === 1),
		15_000,
	);
}

/** Each writes, and all have everything. */
async function converge(...people: Client[]): Promise<void> {
	const length = (people[0]?.text.length ?? 0) + people.length;
	for (const [index, person] of people.entries()) person.type(String(index));
	await eventually(
		"everybody to have everything",
		() => {
			const texts = new Set(people.map(({ text }) => text.toString()));
			return texts.size === 1 && [...texts][0]?.length === length;
		},
		convergenceMsMax,
	);
}

/** Counts what a node asks and tells through the store. */
function watched(follow: Follow) {
	const seen = { questions: 0, announcements: 0 };
	const watching: Follow = {
		entriesAfter: (requests) => {
			seen.questions += 1;
			return follow.entriesAfter(requests);
		},
		listen: (listener) => follow.listen(listener),
		members: () => follow.members(),
		announce: (names, isFollowing) => {
			seen.announcements += 1;
			follow.announce(names, isFollowing);
		},
	};
	return { seen, watching };
}

test("[CLU3] Redis is down: two people on two nodes converge through Postgres within 2 s, again and again", async () => {
	const redis = await startRedis();
	const databaseUrl = await postgres.newDatabase();
	const nodes = await Promise.all(
		[0, 1].map(() => startLocalNode({ store: new PostgresStore({ url: databaseUrl }), redisUrl: redis.url })),
	);
	const [one, two] = nodes as [LocalNode, LocalNode];
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	await converge(anna, bert);
	await redis.kill();
	await away(one, two);
	for (let round = 0; round < 20; round += 1) await converge(anna, bert);
	const cora = await two.client("page").synced();
	await converge(anna, bert, cora);
	await redis.start();
	await eventually("both to be back", () =>
		[one, two].every(({ node }) => node.readiness().degraded?.length === 0),
	);
	await converge(anna, bert, cora);
});

test("[CLU3] one node alone is cut off from Redis: it and the others converge through Postgres within 2 s", async () => {
	const redis = await startRedis();
	const cable = await startTcpProxy(redis.port);
	const databaseUrl = await postgres.newDatabase();
	const start = (redisUrl: string) =>
		startLocalNode({ store: new PostgresStore({ url: databaseUrl }), redisUrl });
	const cutOff = await start(`redis://127.0.0.1:${cable.port}`);
	const others = [await start(redis.url), await start(redis.url)] as const;
	await acquainted(cutOff, ...others);
	const anna = await cutOff.client("page").synced();
	const bert = await others[0].client("page").synced();
	const cora = await others[1].client("page").synced();
	await converge(anna, bert, cora);
	cable.cut();
	await away(cutOff);
	for (let round = 0; round < 10; round += 1) await converge(anna, bert, cora);
	expect(others.map(({ node }) => node.readiness().degraded)).toEqual([[], []]);
	cable.heal();
	await eventually("it to be back", () => cutOff.node.readiness().degraded?.length === 0);
	await converge(anna, bert, cora);
});

test("[DUR7] a deletion reaches a node that is cut off from Redis, and one from the command line reaches those that are not", async () => {
	const redis = await startRedis();
	const cable = await startTcpProxy(redis.port);
	const databaseUrl = await postgres.newDatabase();
	const start = (redisUrl: string) =>
		startLocalNode({ store: new PostgresStore({ url: databaseUrl }), redisUrl });
	const cutOff = await start(`redis://127.0.0.1:${cable.port}`);
	const other = await start(redis.url);
	await acquainted(cutOff, other);
	const people = async (name: string) => {
		const two = [await cutOff.client(name).synced(), await other.client(name).synced()];
		await two[0]?.type("words ").saved();
		return two;
	};
	const toKnow = async (who: readonly Client[]) => {
		const startMs = performance.now();
		await eventually("both to know", () => who.every(({ denials }) => denials.length > 0));
		console.info(`both know after ${Math.round(performance.now() - startMs)} ms`);
		for (const { denials } of who) expect(denials).toEqual(["document-deleted"]);
	};
	const first = await people("first");
	const second = await people("second");
	const command = new PostgresStore({ url: databaseUrl });
	await command.open();
	await command.catalogue.delete("first");
	command.follow.announce(["first"], true);
	await command.close();
	await toKnow(first);
	cable.cut();
	await away(cutOff);
	expect(await other.node.durability.delete("second")).toBe("deleted");
	await toKnow(second);
});

test("[CLU3] Redis stands still without a word: what is typed meanwhile arrives through the store before that is certain", async () => {
	const redis = await startRedis();
	const cables = [await startTcpProxy(redis.port), await startTcpProxy(redis.port)];
	const cluster = localCluster(redis.url);
	const nodes: LocalNode[] = [];
	for (const { port } of cables) nodes.push(await cluster.node({ redisUrl: `redis://127.0.0.1:${port}` }));
	const [one, two] = nodes as [LocalNode, LocalNode];
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	await converge(anna, bert);
	for (const cable of cables) cable.freeze();
	await converge(anna, bert);
	expect(one.node.readiness().degraded).toEqual([]);
	await away(one, two);
	await converge(anna, bert);
	for (const cable of cables) cable.heal();
	await eventually("both to be back", () =>
		nodes.every(({ node }) => node.readiness().degraded?.length === 0),
	);
	await converge(anna, bert);
});

test("[CLU3] what was typed as the connection broke, before a node could know, arrives through the store", async () => {
	const redis = await startRedis();
	const cable = await startTcpProxy(redis.port);
	const cluster = localCluster(redis.url);
	const one = await cluster.node({ redisUrl: `redis://127.0.0.1:${cable.port}` });
	const two = await cluster.node();
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	cable.freeze();
	await anna.type("into the void").saved();
	expect(bert.text.toString()).toBe("");
	anna.destroy();
	cable.cut();
	await eventually("it to arrive", () => bert.text.toString() === "into the void", convergenceMsMax);
});

test("[CLU3] without Redis, nodes that share a database converge through it", async () => {
	const databaseUrl = await postgres.newDatabase();
	const start = () => startLocalNode({ store: new PostgresStore({ url: databaseUrl }) });
	const [one, two] = [await start(), await start()];
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	for (let round = 0; round < 10; round += 1) await converge(anna, bert);
});

test("[CLU3] a node that cannot hear announcements asks by itself", async () => {
	const disk = new MemoryDisk();
	const stores = [new MemoryStore(disk, { isShared: true }), new MemoryStore(disk, { isShared: true })];
	const [one, two] = [await startLocalNode({ store: stores[0] }), await startLocalNode({ store: stores[1] })];
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	await converge(anna, bert);
	stores[1]?.deafen();
	await converge(anna, bert);
	await converge(anna, bert);
	stores[1]?.undeafen();
	await converge(anna, bert);
});

test("[CLU3] what other nodes have merged into a snapshot meanwhile is loaded", async () => {
	const disk = new MemoryDisk();
	const stores = [new MemoryStore(disk, { isShared: true }), new MemoryStore(disk, { isShared: true })];
	const [one, two] = [
		await startLocalNode({ store: stores[0] }),
		await startLocalNode({ store: stores[1], compaction: { busyUpdatesMin: 3, busyBytesMin: 1 } }),
	];
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	for (let round = 0; round < 12; round += 1) await converge(anna, bert);
	await eventually("a snapshot", () => disk.read("page").snapshot !== undefined);
	await converge(anna, bert);
});

test("[CLU1] while Redis works nobody asks the store or announces anything", async () => {
	const redis = await startRedis();
	const disk = new MemoryDisk();
	const counts: { questions: number; announcements: number }[] = [];
	const nodes: LocalNode[] = [];
	for (let index = 0; index < 2; index += 1) {
		const store = new MemoryStore(disk, { isShared: true });
		if (store.follow === undefined) throw new Error("it can be followed");
		const { seen, watching } = watched(store.follow);
		counts.push(seen);
		nodes.push(
			await startLocalNode({ store: Object.assign(store, { follow: watching }), redisUrl: redis.url }),
		);
	}
	const [one, two] = nodes as [LocalNode, LocalNode];
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	await converge(anna, bert);
	const before = structuredClone(counts);
	for (let round = 0; round < 30; round += 1) await converge(anna, bert);
	expect(counts).toEqual(before);
});

test("[TRN5] while Postgres can't be read either, a node says so once, and catches up when it can be", async () => {
	const redis = await startRedis();
	const databaseUrl = await postgres.newDatabase();
	const cable = await startTcpProxy(postgres.port);
	const through = new URL(databaseUrl);
	through.port = String(cable.port);
	const events: string[] = [];
	const one = await startLocalNode({
		store: new PostgresStore({ url: through.href }),
		redisUrl: redis.url,
		onDurabilityEvent: ({ type }) => events.push(type),
	});
	const two = await startLocalNode({ store: new PostgresStore({ url: databaseUrl }), redisUrl: redis.url });
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	await redis.kill();
	await away(one, two);
	cable.cut();
	await eventually("it to be noticed", () => events.includes("reading-failed"));
	anna.type("anna ");
	await bert.type("bert ").saved();
	cable.heal();
	await eventually("the same text", () => anna.text.length === 10 && bert.text.length === 10, 10_000);
	expect(events.filter((type) => type === "reading-failed")).toHaveLength(1);
	expect(events).toContain("reading-recovered");
});

test("[CLU6] a node whose Redis prefix is not that of the others is refused, with both", async () => {
	const redis = await startRedis();
	const databaseUrl = await postgres.newDatabase();
	const node = await startLocalNode({
		store: new PostgresStore({ url: databaseUrl, group: "ours" }),
		redisUrl: redis.url,
		redisPrefix: "ours",
	});
	await eventually("it to listen", async () => (await node.node.durability.members()) === 1);
	const start = () => createNode({ databaseUrl, redisUrl: redis.url, redisPrefix: "theirs", logger: silent });
	await expect(start()).rejects.toThrow(
		/^a node with another Redis prefix \("ours"\) uses postgres:\/\/127\.0\.0\.1:\d+\/\w+, and this one has "theirs": .* Give all nodes of a database the same redisPrefix/,
	);
	// Without Redis it keeps in step through the store.
	const alone = await createNode({ databaseUrl, logger: silent });
	await alone.close();
	await node.close();
	const late = await start();
	await late.close();
});

test("[CLU6] [CLU3] nodes that share a database, but not a Redis, notice it, say so, and keep in step through the store", async () => {
	const redises = [await startRedis(), await startRedis()];
	const databaseUrl = await postgres.newDatabase();
	const servers: { readonly url: string; readonly bus: RedisBus }[] = [];
	for (const { url } of redises) {
		const store = new PostgresStore({ url: databaseUrl, group: "hocuspocus" });
		const log = new Durability({ store, logger: silent });
		const bus = new RedisBus({ url, log, digestIntervalMs: 400, logger: silent });
		const server = new Server({
			address: "127.0.0.1",
			port: 0,
			quiet: true,
			stopOnSignals: false,
			extensions: [log, bus],
		});
		await server.listen();
		onTestFinished(async () => {
			await server.destroy();
		});
		servers.push({ url: `ws://127.0.0.1:${server.address.port}`, bus });
	}
	const people = servers.map(({ url }) => openClient({ url, name: "page" }));
	onTestFinished(() => {
		for (const person of people) person.destroy();
	});
	for (const person of people) await person.synced();
	await eventually("it to be noticed", () => servers.every(({ bus }) => bus.problems.length === 1));
	expect(servers[0]?.bus.problems[0]).toMatch(
		/^a node that shares the database can't be heard through Redis at redis:/,
	);
	for (let round = 0; round < 5; round += 1) await converge(...people);
});
