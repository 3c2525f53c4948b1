import { expect, test } from "vitest";
import { RedisRefusedError } from "../../extensions/redis/index.ts";
import type { Client } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import type { LocalNode } from "../support/local-node.ts";
import { freePort } from "../support/node-process.ts";
import { updatesOfPage } from "../support/published-updates.ts";
import { startReplication, startSentinel } from "../support/redis-sentinels.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";

/** A failover takes a second to notice, one to agree on, and connections another two. */
const failoverMsMax = 40_000;

async function connected(...nodes: LocalNode[]): Promise<void> {
	await eventually(
		"the nodes to hear each other",
		() => nodes.every(({ node }) => node.bus?.nodes.length === 1 && node.readiness().degraded?.length === 0),
		failoverMsMax,
	);
}

async function agree(text: string, ...people: Client[]): Promise<void> {
	await eventually(
		`everybody to have ${text}`,
		() => people.every((person) => person.text.toString() === text),
		failoverMsMax,
	);
}

async function isListenedTo(server: RedisServer): Promise<number> {
	const [, count] = (await server.command("PUBSUB", "NUMSUB", "hocuspocus#nodes")) as [string, number];
	return count;
}

const sees = ({ provider }: Client, name: string) =>
	[...(provider.awareness?.getStates().values() ?? [])].some((state) => state.name === name);

test("[CLU1] [CLU3] nodes follow a failover by themselves: what was typed meanwhile is saved, and arrives; people, too", async () => {
	const redis = await startReplication();
	const cluster = localCluster(redis.url());
	const [one, two] = [await cluster.node(), await cluster.node()];
	await connected(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	anna.type("before ");
	await agree("before ", bert);

	await redis.servers[0].kill();
	await eventually("the loss to be told", () => one.node.readiness().degraded?.length === 1);
	expect(one.node.readiness()).toMatchObject({ ready: true, reasons: [] });
	await anna.type("meanwhile").saved();
	anna.provider.setAwarenessField("name", "Anna");

	await connected(one, two);
	expect(await redis.primary()).toBe(redis.servers[1]);
	expect(await isListenedTo(redis.servers[1])).toBe(2);
	await agree("before meanwhile", anna, bert);
	await eventually("Anna to be seen", () => sees(bert, "Anna"));
	const published = await redis.servers[1].published(async () => {
		bert.type("! ");
		await agree("before meanwhile! ", anna);
	});
	expect(updatesOfPage(published)).toHaveLength(1);
});

test("[CLU3] after a failover by hand nobody stays with the server that is a replica now", async () => {
	const redis = await startReplication();
	const cluster = localCluster(redis.url());
	const [one, two] = [await cluster.node(), await cluster.node()];
	await connected(one, two);
	await redis.sentinels[0]?.command("SENTINEL", "FAILOVER", "mymaster");
	const [first, second] = redis.servers;
	await eventually("all to have moved", async () => (await isListenedTo(second)) === 2, failoverMsMax);
	expect(await isListenedTo(first)).toBe(0);
	await connected(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	anna.type("x");
	await agree("x", bert);
});

test("[CLU3] a primary that the Sentinels have replaced and that does not know it is left", async () => {
	const [old, next] = [await startRedis(), await startRedis()];
	const sentinel = await startSentinel({ primaryPort: old.port, quorum: 1 });
	const cluster = localCluster(`redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`);
	const [one, two] = [await cluster.node(), await cluster.node()];
	await connected(one, two);
	await sentinel.command("SENTINEL", "REMOVE", "mymaster");
	await sentinel.command("SENTINEL", "MONITOR", "mymaster", "127.0.0.1", next.port, 1);
	await eventually("all to have moved", async () => (await isListenedTo(next)) === 2);
	expect(await isListenedTo(old)).toBe(0);
	await connected(one, two);
});

test("[CLU3] Sentinels that nobody has started yet don't keep a node from starting, and are found when they come", async () => {
	const redis = await startRedis();
	const ports = [await freePort(), await freePort()];
	const hosts = ports.map((port) => `127.0.0.1:${port}`).join(",");
	const { node, client } = await localCluster(`redis+sentinel://u:secret@${hosts}/mymaster`).node();
	expect(node.readiness()).toMatchObject({ ready: true, reasons: [] });
	const [problem] = node.readiness().degraded ?? [];
	expect(problem).toMatch(
		/^Redis at redis\+sentinel:\/\/127.*\/mymaster is away: no Sentinel tells where the primary mymaster is \(127.*ECONNREFUSED/,
	);
	expect(problem).not.toMatch(/secret/);
	await (await client("page").synced()).type("saved").saved();
	await redis.command("ACL", "SETUSER", "u", "on", ">secret", "+@all", "&*");
	await startSentinel({ primaryPort: redis.port, quorum: 1, port: Number(ports[1]) });
	await eventually("the node to be connected", () => node.readiness().degraded?.length === 0);
});

test("[CLU3] a name that the Sentinels don't know is told", async () => {
	const redis = await startRedis();
	const sentinel = await startSentinel({ primaryPort: redis.port, quorum: 1 });
	const { node } = await localCluster(`redis+sentinel://127.0.0.1:${sentinel.port}/other`).node();
	expect(node.readiness().degraded).toEqual([expect.stringMatching(/other is \(.*No such master/)]);
});

test("[CLU6] wrong passwords of Redis and of Sentinels are refused at start; right ones may hold any character", async () => {
	const redis = await startRedis();
	const secret = "r/i:g@h?t#%,[1";
	await redis.command("ACL", "SETUSER", "no:de", "on", `>${secret}`, "&hocuspocus*", "+@all");
	await redis.command("ACL", "SETUSER", "default", "-@all", "+@admin", "+ping", "+info", "+@pubsub");
	const sentinel = await startSentinel({ primaryPort: redis.port, quorum: 1 }, "requirepass sent/inel");
	const url = (login: string, sentinelPassword: string) =>
		`redis+sentinel://${login}@127.0.0.1:${sentinel.port}/mymaster?sentinel_password=${encodeURIComponent(sentinelPassword)}`;
	const login = `${encodeURIComponent("no:de")}:${encodeURIComponent(secret)}`;

	const wrongAtSentinel = localCluster(url(login, "wr0ng")).node();
	await expect(wrongAtSentinel).rejects.toThrow(RedisRefusedError);
	await expect(wrongAtSentinel).rejects.toThrow(/no Sentinel tells.*WRONGPASS/);
	await expect(wrongAtSentinel).rejects.not.toThrow(/wr0ng|r\/i|r%2Fi/);
	const wrongAtRedis = localCluster(url("u:wr0ng", "sent/inel")).node();
	await expect(wrongAtRedis).rejects.toThrow(/refused: WRONGPASS/);
	await expect(wrongAtRedis).rejects.not.toThrow(/wr0ng|sent(\/|%2F)inel/);

	const { node } = await localCluster(url(login, "sent/inel")).node();
	expect(node.readiness().degraded).toEqual([]);
	await sentinel.command("ACL", "SETUSER", "look", "on", ">only", "-@all", "+sentinel|master");
	const asRole = await localCluster(`${url(login, "only")}&sentinel_username=look`).node();
	expect(asRole.node.readiness().degraded).toEqual([]);
});
