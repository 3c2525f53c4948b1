import { expect, test } from "vitest";
import * as Y from "yjs";
import { FrameWriter, nodeIdentifier, readSender } from "../../extensions/redis/frames.ts";
import { RedisBus } from "../../extensions/redis/index.ts";
import { decodeNodeMessage } from "../../extensions/redis/node-messages.ts";
import type { Client } from "../support/client.ts";
import { type LocalCluster, localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { sendUpdate } from "../support/forged-updates.ts";
import { content, rawUpdate } from "../support/fuzz/raw-update.ts";
import { type LocalNode, startLocalNode } from "../support/local-node.ts";
import { startLossyRedis } from "../support/lossy-redis.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { startRedis } from "../support/redis-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { stateOf } from "../support/typist.ts";

const stored = ({ disk }: LocalCluster, name = "page") =>
	stateOf({ ...disk.read(name), position: 0, logBytes: 0 });

async function acquainted(...nodes: LocalNode[]): Promise<void> {
	await eventually("the nodes to know each other", () =>
		nodes.every(({ node }) => node.bus?.nodes.length === nodes.length - 1),
	);
}

async function agree(text: string, ...people: Client[]): Promise<void> {
	await eventually(`everybody to have ${text}`, () =>
		people.every((person) => person.text.toString() === text),
	);
}

const names = ({ provider }: Client) =>
	[...(provider.awareness?.getStates().values() ?? [])].map((state) => state.name);

test("[CLU2] a lost update is noticed with the next one, and asked for once", async () => {
	const redis = await startRedis();
	const lossy = await startLossyRedis(redis.port);
	const cluster = localCluster(redis.url);
	const one = await cluster.node();
	const two = await cluster.node({ redisUrl: lossy.url });
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	anna.type("a");
	await agree("a", bert);
	lossy.loses = (channel) => channel === "hocuspocus:page" || channel === "hocuspocus#nodes";
	anna.type("b");
	await eventually("the loss", () => lossy.lost.includes("hocuspocus:page"));
	lossy.loses = () => false;
	const published = await redis.published(async () => {
		anna.type("c");
		await agree("abc", anna, bert);
	});
	expect(published.filter(({ channel }) => channel.includes("#reply"))).toHaveLength(2);
});

test("[CLU2] a lost update after which nobody writes is noticed all the same, deletions too", async () => {
	const redis = await startRedis();
	const lossy = await startLossyRedis(redis.port);
	const cluster = localCluster(redis.url);
	const one = await cluster.node();
	const two = await cluster.node({ redisUrl: lossy.url });
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	anna.type("abc");
	await agree("abc", bert);
	lossy.loses = (channel) => channel === "hocuspocus:page";
	anna.text.delete(0, 1);
	await agree("bc", bert);
	anna.type("d");
	await agree("bcd", bert);
	expect(lossy.lost.length).toBeGreaterThanOrEqual(2);
});

test("[CLU2] without any other hint, comparing digests heals what was lost, in both directions", async () => {
	const redis = await startRedis();
	const lossy = await startLossyRedis(redis.port);
	const busTo = (url: string) => [new RedisBus({ url, digestIntervalMs: 300 })];
	const [one, two] = [
		await startLocalNode({ extensions: busTo(redis.url) }),
		await startLocalNode({ extensions: busTo(lossy.url) }),
	];
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	anna.type("abc");
	await agree("abc", bert);
	// Numbers would tell. Heartbeats arrive, as do digests.
	const isReceipts = (payload: Buffer) => decodeNodeMessage(payload).message?.type === "receipts";
	lossy.loses = (channel, payload) =>
		channel === "hocuspocus#nodes" ? isReceipts(payload) : channel === "hocuspocus:page";
	anna.text.delete(0, 1);
	await agree("bc", bert);
	bert.type("d");
	await agree("bcd", anna, bert);
	expect(lossy.lost).toContain("hocuspocus:page");
});

test("[CON1] [TRN5] what another node is answered is what the document has, and not what somebody has held back there under another's numbers", async () => {
	const redis = await startRedis();
	const lossy = await startLossyRedis(redis.port);
	const busTo = (url: string) => [new RedisBus({ url, digestIntervalMs: 300 })];
	const one = await startLocalNode({ extensions: busTo(redis.url) });
	const two = await startLocalNode({ extensions: busTo(lossy.url) });
	const document = new Y.Doc();
	document.clientID = 5;
	const anna = one.client("page", { document });
	const [attacker, bert] = [one.client("page"), await two.client("page").synced()];
	await Promise.all([anna.type("before").saved(), attacker.synced()]);
	await agree("before", bert);
	lossy.loses = (channel) => channel === "hocuspocus:page";
	// The first waits for what never comes, and the second needs nothing.
	const structs = [
		{ content: content.string("x"), origin: { client: 9, clock: 5 } },
		{ content: content.gc(100) },
	];
	sendUpdate(attacker, rawUpdate([{ client: 5, clock: 6, structs }]));
	await anna.type(" one").saved();
	await agree("before one", bert);
	lossy.loses = () => false;
	await anna.type(" two").saved();
	await agree("before one two", anna, bert);
});

test("[CLU2] what was lost and has left the other node's memory is read from the store", async () => {
	const redis = await startRedis();
	const lossy = await startLossyRedis(redis.port);
	const cluster = localCluster(redis.url);
	const one = await cluster.node();
	const two = await cluster.node({ redisUrl: lossy.url });
	await acquainted(one, two);
	const bert = await two.client("page").synced();
	const anna = await one.client("page").synced();
	lossy.loses = (channel) => channel === "hocuspocus:page";
	await anna.type("gone before anybody asks").saved();
	anna.destroy();
	await agree("gone before anybody asks", bert);
});

test("[CLU2] [CLU3] connections that Redis kills come back, and nothing is missing", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const nodes = [await cluster.node(), await cluster.node()];
	const [one, two] = nodes as [LocalNode, LocalNode];
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	let text = "";
	for (let round = 0; round < 10; round += 1) {
		for (const type of ["pubsub", "normal"])
			await redis.command("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes");
		anna.type(`${round}`);
		text += `${round}`;
		await agree(text, anna, bert);
	}
});

test("[CLU3] Redis that stands still: people are served and edits saved; afterwards all is the same", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	const asleep = redis.command("DEBUG", "SLEEP", 11);
	anna.type("anna ");
	await anna.saved();
	bert.type("bert ");
	await bert.saved();
	expect(stored(cluster)).toMatch(/anna/);
	await eventually("it to be noticed", () => (one.node.readiness().degraded ?? []).length > 0);
	expect(one.node.readiness().ready).toBe(true);
	await asleep;
	await eventually("both to be back", () =>
		[one, two].every(({ node }) => node.readiness().degraded?.length === 0),
	);
	await eventually("the same text", () => anna.text.length === 10 && bert.text.length === 10);
	expect(anna.text.toString()).toBe(bert.text.toString());
});

test("[CLU3] Redis dies and comes back empty: the node says so, serves and saves, and nobody does anything by hand", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	anna.provider.setAwarenessField("name", "Anna");
	await eventually("Anna", () => names(bert).includes("Anna"));
	await redis.kill();
	await eventually("it to be noticed", () => (one.node.readiness().degraded ?? []).length > 0);
	expect(one.node.readiness()).toMatchObject({ ready: true, reasons: [] });
	expect(one.node.readiness().degraded?.join()).toMatch(/^Redis at redis:\/\/127\.0\.0\.1:\d+ is away: /);
	await anna.type("anna ").saved();
	await bert.type("bert ").saved();
	const cora = await one.client("new").synced();
	await cora.type("opened without Redis").saved();
	const saved = await two.client("new").synced();
	expect(saved.text.toString()).toBe("opened without Redis");
	// Written on a node that has closed it when Redis is back: only the store has it.
	const dora = await one.client("closed").synced();
	const emil = await two.client("closed").synced();
	await dora.type("closed again").saved();
	dora.destroy();
	await redis.start();
	await eventually("the same text", () => anna.text.length === 10 && bert.text.length === 10);
	expect(anna.text.toString()).toBe(bert.text.toString());
	await agree("closed again", emil);
	await eventually("Anna", () => names(bert).includes("Anna"));
	await eventually("it to say so", () => one.node.readiness().degraded?.length === 0);
});

test("[CLU3] [CLU4] a connection that is open and dead: ghosts leave within 10 s, and everything is back when it is", async () => {
	const redis = await startRedis();
	const cable = await startTcpProxy(redis.port);
	const cluster = localCluster(redis.url);
	const one = await cluster.node();
	const two = await cluster.node({ redisUrl: `redis://127.0.0.1:${cable.port}` });
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	anna.provider.setAwarenessField("name", "Anna");
	bert.provider.setAwarenessField("name", "Bert");
	await eventually("each other", () => names(anna).includes("Bert") && names(bert).includes("Anna"));
	cable.freeze();
	await eventually("Bert to be gone", () => !names(anna).includes("Bert"), 10_000);
	anna.type("a");
	await bert.type("b").saved();
	cable.heal();
	// Sooner than their browsers would say again that they are here.
	await eventually("each other", () => names(anna).includes("Bert") && names(bert).includes("Anna"), 8_000);
	for (const person of [anna, bert]) person.provider.setAwarenessField("cursor", person.document.clientID);
	await eventually(
		"each other's cursors",
		() =>
			[anna, bert].every(({ provider }) => {
				const states = [...(provider.awareness?.getStates().values() ?? [])];
				return states.filter(({ cursor }) => cursor !== undefined).length === 2;
			}),
		2_000,
	);
	await eventually("the same text", () => anna.text.length === 2 && bert.text.length === 2, 8_000);
});

test("[CLU4] a node that is not heard for a while, and hears all itself, is asked who is there when it is heard again", async () => {
	const redis = await startRedis();
	const lossy = await startLossyRedis(redis.port);
	const cluster = localCluster(redis.url);
	const one = await cluster.node({ redisUrl: lossy.url });
	const two = await cluster.node();
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	bert.provider.setAwarenessField("name", "Bert");
	await eventually("Bert", () => names(anna).includes("Bert"));
	// His browser would say again that he is there.
	clearInterval(bert.provider.awareness?._checkInterval);
	const unheard = two.node.bus?.identifier;
	lossy.loses = (_, payload) => readSender(payload).sender === unheard;
	await eventually("Bert to be gone", () => !names(anna).includes("Bert"));
	expect(two.node.bus?.nodes).toHaveLength(1);
	lossy.loses = () => false;
	await eventually("Bert to be back", () => names(anna).includes("Bert"), 15_000);
	expect(two.node.bus?.nodes).toHaveLength(1);
}, 90_000);

test("[CLU2] what a node that was cut off has written and closed again reaches those who have it open", async () => {
	const redis = await startRedis();
	const cable = await startTcpProxy(redis.port);
	const cluster = localCluster(redis.url, { lingerMs: 0 });
	// A store that can be read, and not followed.
	const store = () => new MemoryStore(cluster.disk);
	const one = await cluster.node({ store: store() });
	const two = await cluster.node({ store: store(), redisUrl: `redis://127.0.0.1:${cable.port}` });
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	cable.cut();
	await eventually("it to be taken for dead", () => one.node.bus?.nodes.length === 0);
	// The other node has read the store for the last time by now.
	await new Promise((resolve) => setTimeout(resolve, 500));
	const bert = await two.client("page").synced();
	await bert.type("nobody heard this").saved();
	bert.destroy();
	await eventually("it to be closed", () => !two.node.hocuspocus.documents.has("page"));
	expect(anna.text.toString()).toBe("");
	cable.heal();
	await eventually("it to arrive", () => anna.text.toString() === "nobody heard this", 8_000);
});

test("[DUR1] a node answers for what another has passed on and not logged: before it acknowledges, with time, on unloading", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url, { lingerMs: 0 });
	const [one, two] = [await cluster.node(), await cluster.node()];
	await acquainted(one, two);
	// It passes on what it gets, and dies before it is logged, as far as the other can tell.
	one.store.hold();
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();

	anna.type("1");
	await agree("1", bert);
	expect(stored(cluster)).toBe("");
	await eventually("it to be logged by the other node", () => stored(cluster) === "1", 6_000);

	anna.type("2");
	await agree("12", bert);
	// Somebody who held the same edits and is told that they are here.
	const again = await two.client("page", { document: anna.document }).synced();
	await again.saved();
	expect(stored(cluster)).toBe("12");
	again.destroy();

	anna.type("3");
	await agree("123", bert);
	bert.destroy();
	await eventually("it to be unloaded", () => !two.node.hocuspocus.documents.has("page"));
	expect(stored(cluster)).toBe("123");
});

test("[CLU1] what the sender confirms is not logged again", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url, { lingerMs: 0 });
	const [one, two] = [await cluster.node(), await cluster.node()];
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	for (let index = 0; index < 50; index += 1) {
		anna.type("x");
		await eventually("the letter", () => bert.text.length === index + 1);
	}
	await anna.saved();
	await new Promise((resolve) => setTimeout(resolve, 4_000));
	expect(two.node.durability.stats().updates).toBe(0);
	bert.destroy();
	await eventually("it to be unloaded", () => !two.node.hocuspocus.documents.has("page"));
	expect(two.node.durability.stats().updates).toBe(0);
});

test("an update that is too large for Redis reaches the other node through the store", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url, { frameBytesMax: 64 * 1024 * 1024 });
	const [one, two] = [await cluster.node(), await cluster.node()];
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	const published = await redis.published(async () => {
		anna.type("x".repeat(9 * 1024 * 1024));
		await eventually("the text", () => bert.text.length === anna.text.length);
	});
	expect(Math.max(...published.map(({ bytes }) => bytes))).toBeLessThan(10_000);
});

test("[TRN5] garbage on the channels harms nobody", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	for (const channel of [
		"hocuspocus:page",
		"hocuspocus#nodes",
		`hocuspocus#reply:${one.node.bus?.identifier}`,
	]) {
		for (const frame of [
			"",
			"\u0000",
			"\u0005abc",
			"\u0003abc\u0004page\u0000\u0002\u0003xyz",
			"x".repeat(300),
		])
			await redis.command("PUBLISH", channel, frame);
	}
	anna.type("still here");
	await agree("still here", bert);
});

test("[TRN5] garbage that comes while a document is being loaded does not keep it from opening", async () => {
	const redis = await startRedis();
	const memory = new MemoryStore();
	const { node, client } = await startLocalNode({ store: memory, redisUrl: redis.url });
	memory.hold();
	const anna = client("page");
	await eventually("it to be loaded", () => memory.held.some(({ kind }) => kind === "load"));
	const countBefore = node.bus?.stats().receivedMessages ?? 0;
	await redis.command("PUBLISH", "hocuspocus:page", "\u0003abc\u0004page\u0000\u0002\u0003xyz");
	await eventually("the garbage", () => (node.bus?.stats().receivedMessages ?? 0) > countBefore);
	memory.release();
	await anna.synced();
	await anna.type("here").saved();
});

test("[DUR5] garbage from a node of ours is not logged in its place", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const { node, client } = await cluster.node();
	const anna = await client("page").synced();
	await anna.type("here").saved();
	const garbage = new FrameWriter(nodeIdentifier("broken")).update("page", Uint8Array.of(120, 121, 122), {
		stay: 1,
		sequence: 1,
		durable: 0,
	});
	await redis.command("PUBLISH", "hocuspocus:page", garbage);
	await eventually("the garbage", () => node.bus?.nodes.length === 1);
	// Before anything is acknowledged, what the other node has not confirmed is logged.
	await anna.type(", still").saved();
	expect(stored(cluster)).toBe("here, still");
});

test("[DUR3] a document that is open on one node opens on another while nothing can be stored", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	await acquainted(one, two);
	const anna = await one.client("page").synced();
	await anna.type("stored, ").saved();
	for (const { store } of [one, two]) store.fail();
	anna.type("not stored yet");
	const bert = await two.client("page").synced();
	await agree("stored, not stored yet", bert);
	bert.type(", by both");
	await agree("stored, not stored yet, by both", anna);
	expect(bert.provider.unsyncedChanges).toBeGreaterThan(0);
	expect(stored(cluster)).toBe("stored, ");
	for (const { store } of [one, two]) store.recover();
	await anna.saved();
	await bert.saved();
	expect(stored(cluster)).toBe("stored, not stored yet, by both");
});
