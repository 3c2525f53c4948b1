import { expect, onTestFinished, test } from "vitest";
import { clientForUrl } from "../../extensions/redis/connect.ts";
import { RedisRefusedError } from "../../extensions/redis/index.ts";
import { RedisLink } from "../../extensions/redis/redis-link.ts";
import type { Client } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import type { LocalNode } from "../support/local-node.ts";
import { startRedisCluster } from "../support/redis-cluster.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";

const healMsMax = 40_000;

async function connected(...nodes: LocalNode[]): Promise<void> {
	await eventually(
		"the nodes to hear each other",
		() => nodes.every(({ node }) => node.bus?.nodes.length === 1 && node.readiness().degraded?.length === 0),
		healMsMax,
	);
}

async function agree(text: string, ...people: Client[]): Promise<void> {
	await eventually(
		`everybody to have ${text}`,
		() => people.every((person) => person.text.toString() === text),
		healMsMax,
	);
}

const sees = ({ provider }: Client, name: string) =>
	[...(provider.awareness?.getStates().values() ?? [])].some((state) => state.name === name);

async function listenersOn(server: RedisServer, channel = "hocuspocus#nodes"): Promise<number> {
	const [, count] = (await server.command("PUBSUB", "NUMSUB", channel)) as [string, number];
	return count;
}

/** A node that listens on exactly this server of the cluster, and publishes there, too. */
const only = ({ port }: RedisServer) => ({ redisUrl: `redis+cluster://127.0.0.1:${port}` });

function three([one, two, three]: readonly RedisServer[]): [RedisServer, RedisServer, RedisServer] {
	if (one === undefined || two === undefined || three === undefined) throw new Error("three are missing");
	return [one, two, three];
}

test("[CLU1] [CLU2] nodes that talk to different servers of a Redis cluster meet, and open documents whole", async () => {
	const redis = await startRedisCluster();
	const [first, second] = three(redis.servers);
	const cluster = localCluster(redis.url());
	const [one, two] = [await cluster.node(only(first)), await cluster.node(only(second))];
	await connected(one, two);
	expect([await listenersOn(first), await listenersOn(second)]).toEqual([1, 1]);
	const anna = await one.client("page").synced();
	// What is not in the store can only come from the other node, which has to be known to listen.
	const release = one.store.hold();
	anna.type("before ");
	await eventually("it to have arrived", () => {
		return one.node.hocuspocus.documents.get("page")?.getText("text").length === 7;
	});
	const connection = await two.node.openDirectConnection("page");
	expect(connection.document?.getText("text").toString()).toBe("before ");
	release();
	const bert = await two.client("page").synced();
	await connection.disconnect();
	let published = 0;
	for (const server of redis.servers) {
		const before = two.node.bus?.stats().receivedMessages ?? 0;
		const length = bert.text.length;
		anna.type(`${server.port} `);
		await eventually("the text", () => bert.text.length > length);
		published += (two.node.bus?.stats().receivedMessages ?? 0) - before;
	}
	expect(published).toBeGreaterThanOrEqual(redis.servers.length);
	anna.provider.setAwarenessField("name", "Anna");
	await eventually("Anna to be seen", () => sees(bert, "Anna"));
	expect(anna.text.toString()).toBe(bert.text.toString());
});

test("[CLU1] messages keep their order in a Redis cluster", async () => {
	const redis = await startRedisCluster();
	const [first, second] = three(redis.servers);
	const heard: number[] = [];
	let ready = 0;
	const link = (url: string, hear: (message: Buffer) => void) => {
		const options = {
			createClient: clientForUrl(url),
			now: () => performance.now(),
			inFlightBytesMax: 1e9,
			onMessage: (_channel: string, message: Buffer) => hear(message),
			onSubscribed: () => {
				ready += 1;
			},
			onAway: () => {},
		};
		const made = new RedisLink(options, ["channel"]);
		onTestFinished(() => made.close());
		return made;
	};
	const speaker = link(redis.url(), () => {});
	link(only(first).redisUrl, (message) => heard.push(message.readUInt32BE()));
	link(only(second).redisUrl, () => {});
	await eventually("the links to be ready", () => ready >= 3);
	const sent = Array.from({ length: 5_000 }, (_, index) => index);
	for (const number of sent) {
		const message = Buffer.alloc(100);
		message.writeUInt32BE(number);
		// What is lost is missing below.
		void speaker.publish("channel", message);
		if (number % 100 === 0) await new Promise(setImmediate);
	}
	await eventually("all to have come", () => heard.length === sent.length);
	expect(heard).toEqual(sent);
});

test("[CLU3] servers of a Redis cluster that die one after the other are left; what was typed meanwhile is saved, and arrives", async () => {
	const redis = await startRedisCluster(() => ["--cluster-require-full-coverage", "no"]);
	const cluster = localCluster(redis.url());
	const [one, two] = [await cluster.node(), await cluster.node()];
	await connected(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	let text = "";
	// At last the majority is gone, for which pub/sub does not care.
	for (const server of redis.servers.slice(0, 2)) {
		await server.kill();
		text += `${server.port} `;
		await anna.type(`${server.port} `).saved();
		await agree(text, anna, bert);
		await connected(one, two);
	}
	anna.provider.setAwarenessField("name", "Anna");
	await eventually("Anna to be seen", () => sees(bert, "Anna"));
	const [first, , last] = three(redis.servers);
	expect(await listenersOn(last)).toBe(2);
	await last.kill();
	await eventually("the loss to be told", () => one.node.readiness().degraded?.length === 1);
	await anna.type("alone").saved();
	await first.start();
	await connected(one, two);
	await agree(`${text}alone`, anna, bert);
});

test("[CLU6] a server that is in no cluster is refused at start as one", async () => {
	const redis = await startRedis();
	const refused = localCluster(`redis+cluster://127.0.0.1:${redis.port}`).node();
	await expect(refused).rejects.toThrow(RedisRefusedError);
	await expect(refused).rejects.toThrow(/refused: it is not part of a Redis cluster/);
});

test("[CLU6] a role of a Redis cluster needs no more than docs/operations.md says; a wrong password is refused at start", async () => {
	const redis = await startRedisCluster();
	const rights = ["+publish", "+subscribe", "+unsubscribe", "+info", "&hocuspocus*"];
	rights.push("+cluster|slots", "+cluster|nodes", "+pubsub|numsub");
	const secret = "r/i:g@h?t#%,[1";
	for (const server of redis.servers)
		await server.command("ACL", "SETUSER", "node", "reset", "on", `>${secret}`, "-@all", ...rights);
	const refused = localCluster(redis.url("node:wr0ng")).node();
	await expect(refused).rejects.toThrow(/refused: WRONGPASS/);
	await expect(refused).rejects.not.toThrow(/wr0ng/);
	const [first, second] = three(redis.servers);
	const login = `node:${encodeURIComponent(secret)}`;
	const through = ({ port }: RedisServer) => ({ redisUrl: `redis+cluster://${login}@127.0.0.1:${port}` });
	const cluster = localCluster("unused");
	const [one, two] = [await cluster.node(through(first)), await cluster.node(through(second))];
	await connected(one, two);
	const anna = await one.client("page").synced();
	const release = one.store.hold();
	anna.type("x");
	await eventually("it to have arrived", () => {
		return one.node.hocuspocus.documents.get("page")?.getText("text").length === 1;
	});
	const connection = await two.node.openDirectConnection("page");
	expect(connection.document?.getText("text").toString()).toBe("x");
	release();
	await connection.disconnect();
	for (const server of redis.servers) {
		const denied = (await server.command("ACL", "LOG")) as unknown[][];
		const objects = denied.map((entry) => entry[entry.indexOf("object") + 1]);
		// The wrong password, and a name for a connection, without which it works as well.
		expect(
			objects.filter((object) => object !== "AUTH" && object !== "auth" && object !== "client|setname"),
		).toEqual([]);
	}
});
