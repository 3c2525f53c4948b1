import { once } from "node:events";
import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import type { Client } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { hostileCases } from "../support/fuzz/hostile-updates.ts";
import { mutate } from "../support/fuzz/mutate.ts";
import { randomUpdate } from "../support/fuzz/random-update.ts";
import type { LocalNode } from "../support/local-node.ts";
import { Random, testSeed } from "../support/random.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { authenticationFrame, syncStep1Frame, updateFrame } from "../support/wire-frames.ts";

const rounds = Number(process.env.INDELIBLE_FUZZ_ROUNDS ?? 1_000);

async function twoNodes(redis: RedisServer): Promise<readonly [LocalNode, LocalNode]> {
	const cluster = localCluster(redis.url);
	const nodes = [await cluster.node(), await cluster.node()] as const;
	await eventually("the nodes to know each other", () =>
		nodes.every(({ node }) => node.bus?.nodes.length === 1),
	);
	return nodes;
}

async function talk(people: readonly Client[], word: string): Promise<void> {
	for (const person of people) person.type(`${word} `);
	for (const person of people) await person.saved();
	const [first, ...others] = people;
	for (const other of others)
		await eventually(`${word} to have arrived`, () => {
			const missing = Y.encodeStateVector(other.document);
			return Buffer.from(missing).equals(Y.encodeStateVector((first as Client).document));
		});
}

/** As a stock node frames an update, or whoever can publish. */
function frameFrom(sender: string, documentName: string, update: Uint8Array): Buffer {
	const message = encoding.encode((encoder) => {
		encoding.writeUint8(encoder, sender.length);
		encoding.writeUint8Array(encoder, Buffer.from(sender));
	});
	return Buffer.concat([message, updateFrame(documentName, update)]);
}

test(`[TRN5] [CON1] ${rounds} messages on Redis that no node sends cost nobody anything`, async () => {
	const random = new Random(testSeed("hostile redis"));
	const redis = await startRedis();
	const [one, two] = await twoNodes(redis);
	const people = [await one.client("page").synced(), await two.client("page").synced()];
	const real = await redis.published(async () => {
		for (const person of people) person.provider.setAwarenessField("user", { name: "Ada" });
		await talk(people, "recorded");
		const late = await two.client("page").synced();
		late.destroy();
	});
	const channels = [
		...new Set(real.map(({ channel }) => channel)),
		"hocuspocus:nothing",
		"hocuspocus:#nodes",
	];
	const frames = real.map(({ message }) => Uint8Array.from(message));
	const spared = new Set(people.map(({ document }) => document.clientID));
	for (let round = 0; round < rounds; round += 1) {
		const publish = (channel: string, message: Uint8Array) =>
			redis.command("PUBLISH", channel, Buffer.from(message));
		switch (random.below(4)) {
			case 0:
				await publish(random.pick(channels), random.bytes(random.below(60)));
				break;
			case 1:
				// The end of what carries an update is left alone: whoever can publish edits may edit.
				await publish(random.pick(channels), random.pick(frames).slice(0, random.below(40)));
				break;
			case 2: {
				const known = Y.decodeStateVector(Y.encodeStateVector((people[0] as Client).document));
				const update = randomUpdate(random, known, spared);
				await publish("hocuspocus:page", frameFrom("stock", "page", mutate(random, update, [update])));
				break;
			}
			default: {
				const { updates } = random.pick(hostileCases.filter(({ name }) => !name.includes("deep")));
				for (const update of updates.slice(0, 20))
					await publish("hocuspocus:page", frameFrom("stock", "page", update));
			}
		}
		if (round % 100 === 0) await talk(people, String(round));
	}
	await talk(people, "end");
	for (const { closes, denials } of people) expect([...closes, ...denials]).toEqual([]);
	const late = await two.client("page").synced();
	expect(late.text.toString()).toBe(people[0]?.text.toString());
}, 600_000);

test("[TRN5] [CON1] [CLU1] updates that no editor makes, sent to one node, cost nobody on another anything, nor who opens the document there later", async () => {
	const redis = await startRedis();
	const [one, two] = await twoNodes(redis);
	for (const { name, updates } of hostileCases.filter((_, index) => index % 3 === 0)) {
		const people = [await one.client(name).synced(), await two.client(name).synced()];
		const attacker = new WebSocket(one.url);
		await once(attacker, "open");
		attacker.on("error", () => {});
		attacker.send(authenticationFrame(name));
		attacker.send(syncStep1Frame(name));
		for (const update of updates) attacker.send(updateFrame(name, update));
		const done = Promise.race([once(attacker, "pong"), once(attacker, "close")]);
		attacker.ping();
		await done;
		attacker.terminate();
		await talk(people, name);
		for (const { closes, denials } of people) expect([...closes, ...denials], name).toEqual([]);
		const late = await two.client(name).synced();
		expect(late.text.toString(), name).toBe(people[0]?.text.toString());
		for (const person of [...people, late]) person.destroy();
	}
}, 120_000);
