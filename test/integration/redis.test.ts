import { expect, test } from "vitest";
import * as Y from "yjs";
import type { IndelibleNode } from "../../server/index.ts";
import type { Client } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { type Published, startRedis } from "../support/redis-server.ts";

function states({ provider }: Client): Record<string, unknown>[] {
	return [...(provider.awareness?.getStates().values() ?? [])];
}

const sees = (client: Client, name: string) => states(client).some((state) => state.name === name);

async function isUp(...nodes: { readonly node: IndelibleNode }[]): Promise<void> {
	await eventually("the nodes to know each other", () =>
		nodes.every(({ node }) => node.bus?.nodes.length === nodes.length - 1),
	);
}

test("[CLU1] an edit on one node is on the other after one message, whose size is that of the edit", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	await isUp(one, two);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	const sizes: number[] = [];
	for (const length of [10, 200_000]) {
		anna.type("x".repeat(length));
		await eventually("the text", () => bert.text.length === anna.text.length);
		await anna.saved();
		const published = await redis.published(async () => {
			for (let index = 0; index < 20; index += 1) {
				anna.type("y");
				await eventually("the letter", () => bert.text.length === anna.text.length);
			}
		});
		const edits = published.filter(({ channel }) => channel === "hocuspocus:page");
		expect(edits).toHaveLength(20);
		expect(Math.max(...edits.map(({ bytes }) => bytes))).toBeLessThan(120);
		// Those of having opened the document may still be under way.
		expect(published.filter(({ channel }) => channel.includes("#reply")).length).toBeLessThan(10);
		sizes.push(edits.reduce((sum, { bytes }) => sum + bytes, 0));
	}
	const [small = 0, large = 0] = sizes;
	expect(large).toBeLessThan(small * 1.2);
});

test("[CLU1] what arrives in one turn of the event loop is one message", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	const bert = await two.client("page").synced();
	const connection = await one.node.openDirectConnection("page");
	const published = await redis.published(async () => {
		const saved = [];
		for (let index = 0; index < 500; index += 1)
			saved.push(connection.transact((document) => document.getText("text").insert(0, "z")));
		await Promise.all(saved);
		await eventually("the text", () => bert.text.length === 500);
	});
	expect(published.filter(({ channel }) => channel === "hocuspocus:page")).toHaveLength(1);
	await connection.disconnect();
});

test("[CLU2] a document that is loaded while it is edited elsewhere is complete when it opens", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	await isUp(one, two);
	const anna = await one.client("page").synced();
	// What is not in the store can only come from the other node.
	const release = one.store.hold();
	for (let round = 0; round < 30; round += 1) {
		anna.type("a");
		await eventually("the edit on its node", () => {
			return one.node.hocuspocus.documents.get("page")?.getText("text").length === anna.text.length;
		});
		anna.type("b");
		const connection = await two.node.openDirectConnection("page");
		expect(connection.document?.getText("text").length).toBeGreaterThanOrEqual(anna.text.length - 1);
		await eventually(
			"the other edit",
			() => connection.document?.getText("text").length === anna.text.length,
		);
		await connection.disconnect();
	}
	release();
	await anna.saved();
});

test("[CLU2] a document that leaves memory and comes back on either node loses nothing", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const nodes = [await cluster.node(), await cluster.node()];
	let expected = "";
	for (let round = 0; round < 20; round += 1) {
		const node = nodes[round % 2];
		const client = await node?.client("page").synced();
		expect(client?.text.toString()).toBe(expected);
		expected += `${round} `;
		await client?.type(`${round} `).saved();
		client?.destroy();
	}
});

test("presence crosses nodes and leaves with its client", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	const anna = await one.client("page").synced();
	anna.provider.setAwarenessField("name", "Anna");
	const bert = await two.client("page").synced();
	bert.provider.setAwarenessField("name", "Bert");
	await eventually("each other", () => sees(anna, "Bert") && sees(bert, "Anna"));
	anna.destroy();
	await eventually("Anna to be gone", () => !sees(bert, "Anna"));
});

test("[CLU4] a node that stops takes its people along at once", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	await isUp(one, two);
	const bert = await two.client("page").synced();
	const anna = await one.client("page").synced();
	anna.provider.setAwarenessField("name", "Anna");
	await eventually("Anna", () => sees(bert, "Anna"));
	await one.close();
	await eventually("Anna to be gone", () => !sees(bert, "Anna"), 2_000);
	await eventually("it to be forgotten", () => two.node.bus?.nodes.length === 0, 2_000);
});

test("stateless messages reach the clients of other nodes once", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	const bert = await two.client("page").synced();
	const heard: string[] = [];
	bert.provider.on("stateless", ({ payload }: { payload: string }) => heard.push(payload));
	const connection = await one.node.openDirectConnection("page");
	connection.document?.broadcastStateless("one");
	connection.document?.broadcastStateless("two");
	await eventually("both", () => heard.length === 2);
	expect(heard).toEqual(["one", "two"]);
	await connection.disconnect();
});

test("[CON1] people on three nodes who type at once end with the same text, logged at most a few times", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const nodes = [await cluster.node(), await cluster.node(), await cluster.node()];
	await isUp(...nodes);
	const people = await Promise.all(nodes.map((node) => node.client("page").synced()));
	for (let round = 0; round < 50; round += 1) {
		for (const person of people) person.type("x");
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
	await Promise.all(people.map((person) => person.saved()));
	await eventually("all of it", () => people.every(({ text }) => text.length === 150));
	expect(new Set(people.map(({ text }) => text.toString())).size).toBe(1);
	const stored = new Y.Doc();
	const { snapshot, entries } = cluster.disk.read("page");
	for (const update of [...(snapshot ? [snapshot.update] : []), ...entries.flatMap(({ updates }) => updates)])
		Y.applyUpdate(stored, update);
	expect(stored.getText("text").toString()).toBe(people[0]?.text.toString());
});

test("a document that can't be opened is not followed for ever", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	let isBroken = true;
	const { node, client } = await cluster.node({
		async onLoadDocument({ documentName }) {
			if (isBroken && documentName === "broken") throw new Error("not today");
		},
	});
	await client("fine").synced();
	cluster.disk.damage("damaged");
	for (const name of ["damaged", "broken"]) await expect(node.openDirectConnection(name)).rejects.toThrow();
	await eventually("only one to be followed", () => node.bus?.stats().documents === 1);
	isBroken = false;
	const connection = await node.openDirectConnection("broken");
	await connection.transact((document) => document.getText("text").insert(0, "mended"));
	await connection.disconnect();
	expect((await client("broken").synced()).text.toString()).toBe("mended");
});

test("[CLU1] [CLU2] what only one node has open is not published; whoever opens it later has all of it, and hears the rest", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url, { lingerMs: 0 });
	const [one, two] = [await cluster.node(), await cluster.node()];
	await eventually("the nodes to know each other", () => one.node.bus?.nodes.length === 1);
	const anna = await one.client("page").synced();
	const ofPage = (published: readonly Published[]) =>
		published.filter(({ channel }) => channel === "hocuspocus:page").length;
	const typeAlone = async () => {
		for (const letter of "alone") {
			await anna.type(letter).saved();
			anna.provider.setAwarenessField("cursor", letter);
		}
	};
	await typeAlone();
	expect(ofPage(await redis.published(typeAlone))).toBe(0);
	anna.provider.setAwarenessField("name", "Anna");
	for (let round = 0; round < 3; round += 1) {
		const bert = await two.client("page").synced();
		expect(bert.text.toString()).toBe(anna.text.toString());
		const names = () => [...(bert.provider.awareness?.getStates().values() ?? [])].map(({ name }) => name);
		await eventually("Anna to be seen", () => names().includes("Anna"));
		anna.type("!");
		await eventually("it to arrive", () => bert.text.toString() === anna.text.toString());
		bert.destroy();
		await eventually("it to be closed there", () => !two.node.hocuspocus.documents.has("page"));
		await typeAlone();
		expect(ofPage(await redis.published(typeAlone))).toBe(0);
	}
});
