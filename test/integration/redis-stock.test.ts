import { Server } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import { Durability } from "../../extensions/durability/index.ts";
import { RedisBus } from "../../extensions/redis/index.ts";
import { type Client, openClient } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";
import { startRedis } from "../support/redis-server.ts";
import { startStockNode } from "../support/stock-node.ts";
import { stateOf } from "../support/typist.ts";

const names = (client: { provider: { awareness: { getStates(): Map<number, object> } | null } }) =>
	[...(client.provider.awareness?.getStates().values() ?? [])].map(
		(state) => (state as { name?: string }).name,
	);

test("[CLU5] a stock node and ours stay in step, both ways, also with deletions only", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const ours = await cluster.node();
	const stock = await startStockNode(redis.port);
	const anna = await ours.client("page").synced();
	const bert = await stock.client("page").synced();
	let text = "";
	for (let round = 0; round < 20; round += 1) {
		(round % 2 === 0 ? anna : bert).type(`${round} `);
		text += `${round} `;
		await eventually("both to have it", () =>
			[anna, bert].every((person) => person.text.toString() === text),
		);
	}
	for (const person of [anna, bert]) {
		person.text.delete(0, 2);
		text = text.slice(2);
		await eventually("both to have lost it", () =>
			[anna, bert].every(({ text: t }) => t.toString() === text),
		);
	}
});

test("[CLU5] [DUR1] what a stock node's people write is stored by our node, because theirs does not", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const ours = await cluster.node();
	const stock = await startStockNode(redis.port);
	await ours.client("page").synced();
	const bert = await stock.client("page").synced();
	bert.type("only at the stock node");
	await eventually("it in the store", () => {
		const { snapshot, entries } = cluster.disk.read("page");
		const stored = { snapshot, entries, position: 0, logBytes: 0 };
		return stateOf(stored) === "only at the stock node";
	});
});

test("[CLU5] a document that opens on either kind of node has what the other kind's people wrote", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const ours = await cluster.node();
	const stock = await startStockNode(redis.port);
	const bert = await stock.client("page").synced();
	bert.type("stock first. ");
	await bert.saved();
	const connection = await ours.node.openDirectConnection("page");
	expect(connection.document?.getText("text").toString()).toBe("stock first. ");
	await connection.transact((document) => document.getText("text").insert(13, "ours second."));
	const cora = await stock.client("page").synced();
	// The stock node hears of it a moment after it was durable here.
	await eventually("our sentence", () => cora.text.toString() === "stock first. ours second.");
	const dora = await stock.client("other").synced();
	await connection.disconnect();
	const second = await ours.node.openDirectConnection("other");
	await second.transact((document) => document.getText("text").insert(0, "x"));
	await eventually("the letter", () => dora.text.toString() === "x");
	await second.disconnect();
});

test("[CLU5] presence and stateless messages cross between stock nodes and ours", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const ours = await cluster.node();
	const stock = await startStockNode(redis.port);
	const anna = await ours.client("page").synced();
	const bert = await stock.client("page").synced();
	anna.provider.setAwarenessField("name", "Anna");
	bert.provider.setAwarenessField("name", "Bert");
	await eventually("each other", () => names(anna).includes("Bert") && names(bert).includes("Anna"));
	const heard: string[] = [];
	for (const { provider } of [anna, bert])
		provider.on("stateless", ({ payload }: { payload: string }) => heard.push(payload));
	ours.node.hocuspocus.documents.get("page")?.broadcastStateless("ours");
	stock.server.hocuspocus.documents.get("page")?.broadcastStateless("theirs");
	await eventually("both messages on both sides", () => heard.length === 4);
});

test("[CLU1] two stock servers with our extensions are a cluster, with durability and without", async () => {
	const redis = await startRedis();
	const disk = new MemoryDisk();
	for (const isDurable of [true, false]) {
		const people = [];
		const prefix = String(isDurable);
		for (let index = 0; index < 2; index += 1) {
			const log = isDurable ? new Durability({ store: new MemoryStore(disk) }) : undefined;
			const bus = new RedisBus({ url: redis.url, prefix, log });
			const server = new Server({
				port: 0,
				quiet: true,
				stopOnSignals: false,
				extensions: [...(log === undefined ? [] : [log]), bus],
			});
			await server.listen();
			const person = openClient({ url: server.webSocketURL, name: "page" });
			people.push(person);
			onTestFinished(async () => {
				person.destroy();
				await server.destroy();
			});
			await person.synced();
		}
		const [anna, bert] = people as [Client, Client];
		anna.type("anna ");
		await eventually("her text", () => bert.text.toString() === "anna ");
		bert.type("bert");
		await eventually("his text", () => anna.text.toString() === "anna bert");
		await eventually(
			"both in the store",
			() => stateOf({ ...disk.read("page"), position: 0, logBytes: 0 }) === "anna bert",
		);
	}
});
