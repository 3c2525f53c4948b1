import { once } from "node:events";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { PostgresStore } from "../../extensions/durability/index.ts";
import { type Client, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { Random, testSeed } from "../support/random.ts";
import { startRedis } from "../support/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const rounds = Number(process.env.INDELIBLE_CLUSTER_KILL_ROUNDS ?? 10);
const documentNames = ["one", "two", "three"];

let postgres: PostgresServer;
let endPostgres = async () => {};
beforeAll(async () => {
	postgres = await startPostgres((end) => {
		endPostgres = end;
	});
});
afterAll(() => endPostgres());

/** Somebody who types numbered words, and notes which of them the server has acknowledged. */
class Writer {
	readonly name: string;
	readonly documentName: string;
	readonly client: Client;
	written = 0;
	acknowledged = 0;

	constructor(name: string, documentName: string, url: string) {
		this.name = name;
		this.documentName = documentName;
		this.client = openClient({ url, name: documentName });
		onTestFinished(() => this.client.destroy());
		this.client.provider.on("unsyncedChanges", ({ number }: { number: number }) => {
			if (number === 0 && this.client.provider.isSynced) this.acknowledged = this.written;
		});
	}

	write(): void {
		this.written += 1;
		this.client.document.getArray("words").push([`${this.name}.${this.written}`]);
	}

	words(): string[] {
		return this.client.document.getArray<string>("words").toArray();
	}
}

/** Two nodes as processes of their own, and a proxy before each that leads to the other one when its own is gone. */
async function twoNodes(redisUrl: string, databaseUrl: string) {
	const start = async () => {
		const node = await startNodeProcess({
			data: temporaryFolder(),
			environment: { INDELIBLE_DATABASE_URL: databaseUrl, INDELIBLE_REDIS_URL: redisUrl },
		});
		onTestFinished(() => {
			node.child.kill("SIGKILL");
		});
		return node;
	};
	const nodes: NodeProcess[] = [await start(), await start()];
	const proxies: TcpProxy[] = [];
	for (const { port } of nodes) proxies.push(await startTcpProxy(port));
	const at = <T>(list: readonly T[], index: number): T => list[index] as T;
	return {
		url: (index: number) => `ws://127.0.0.1:${at(proxies, index).port}`,
		async kill(index: number) {
			const { child } = at(nodes, index);
			at(proxies, index).target = at(nodes, 1 - index).port;
			const ended = once(child, "exit");
			child.kill("SIGKILL");
			await ended;
		},
		async revive(index: number) {
			nodes[index] = await start();
			at(proxies, index).target = at(nodes, index).port;
		},
	};
}

async function storedWords(databaseUrl: string, documentName: string): Promise<string[]> {
	const store = new PostgresStore({ url: databaseUrl });
	await store.open();
	const { snapshot, entries } = await store.load(documentName);
	await store.close();
	const document = new Y.Doc();
	if (snapshot !== undefined) Y.applyUpdate(document, snapshot.update);
	for (const { updates } of entries) for (const update of updates) Y.applyUpdate(document, update);
	return document.getArray<string>("words").toArray();
}

/** All that was acknowledged up to now, by a node that is dead or not. */
async function expectAcknowledgedStored(databaseUrl: string, writers: readonly Writer[], when: string) {
	const acknowledged = new Map(writers.map((writer) => [writer, writer.acknowledged]));
	for (const documentName of documentNames) {
		const stored = new Set(await storedWords(databaseUrl, documentName));
		for (const [{ name, documentName: theirs }, count] of acknowledged) {
			if (theirs !== documentName) continue;
			for (let word = 1; word <= count; word += 1)
				expect(stored.has(`${name}.${word}`), `${when}: ${name}.${word}`).toBe(true);
		}
	}
}

test(`[DUR1] [CON1] [CLU4] ${rounds} nodes of two are killed under load: every acknowledged edit is stored, everybody agrees, nothing is there twice`, {
	timeout: 60_000 + rounds * 15_000,
}, async () => {
	const random = new Random(testSeed("redis kill"));
	const redis = await startRedis();
	const databaseUrl = await postgres.newDatabase();
	const cluster = await twoNodes(redis.url, databaseUrl);
	const writers = documentNames.flatMap((documentName) =>
		[0, 1].map((node) => new Writer(`${documentName}${node}`, documentName, cluster.url(node))),
	);
	await Promise.all(writers.map(({ client }) => client.synced()));
	for (let round = 0; round < rounds; round += 1) {
		const victim = random.below(2);
		for (let words = 20 + random.below(100); words > 0; words -= 1) {
			random.pick(writers).write();
			if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
		}
		await cluster.kill(victim);
		await expectAcknowledgedStored(databaseUrl, writers, `round ${round}`);
		const survivor = 1 - victim;
		if (random.chance(0.5)) {
			// The survivor knew some of it from the dead node only, and has acknowledged it to those who came over.
			await Promise.all(writers.map(({ client }) => client.saved()));
			await cluster.kill(survivor);
			await expectAcknowledgedStored(databaseUrl, writers, `round ${round}, both nodes dead`);
			await cluster.revive(survivor);
		}
		for (const writer of writers) writer.write();
		await cluster.revive(victim);
	}
	await Promise.all(writers.map(({ client }) => client.saved()));
	for (const documentName of documentNames) {
		const group = writers.filter((writer) => writer.documentName === documentName);
		const expected = group
			.flatMap(({ name, written }) => Array.from({ length: written }, (_, index) => `${name}.${index + 1}`))
			.sort();
		await eventually(`everybody to agree on ${documentName}`, () =>
			group.every((writer) => writer.words().length === expected.length),
		);
		for (const writer of group) expect(writer.words().sort()).toEqual(expected);
		expect(new Set(group.map((writer) => writer.words().join())).size).toBe(1);
		await eventually(`the store to have all of ${documentName}`, async () => {
			const stored = await storedWords(databaseUrl, documentName);
			return stored.join() === group[0]?.words().join();
		});
	}
	const total = writers.reduce((sum, { written }) => sum + written, 0);
	console.info(`redis kill: ${rounds} rounds, ${total} edits`);
});

test("[CLU4] the people of a killed node: whoever comes back on another one stays present, the others are gone within 10 s", async () => {
	const redis = await startRedis();
	const cluster = await twoNodes(redis.url, await postgres.newDatabase());
	const join = async (name: string, node: number) => {
		const client = openClient({ url: cluster.url(node), name: "page" });
		onTestFinished(() => client.destroy());
		await client.synced();
		client.provider.setAwarenessField("name", name);
		return client;
	};
	const observer = await join("Olga", 1);
	const anna = await join("Anna", 0);
	const bert = await join("Bert", 0);
	const present = () =>
		[...(observer.provider.awareness?.getStates().values() ?? [])].map(({ name }) => name);
	await eventually("all of them", () => ["Anna", "Bert"].every((name) => present().includes(name)));
	const absences: number[] = [];
	const watch = setInterval(() => {
		if (!present().includes("Anna")) absences.push(performance.now());
	}, 50);
	onTestFinished(() => clearInterval(watch));
	// Bert's computer goes down together with the node.
	bert.socket.destroy();
	await cluster.kill(0);
	await eventually("Anna on the other node", () => anna.provider.isSynced);
	await eventually("Bert to be gone", () => !present().includes("Bert"), 10_000);
	// Past the moment at which the dead node's people are removed.
	await new Promise((resolve) => setTimeout(resolve, 1_000));
	expect(absences).toEqual([]);
	anna.type("still here");
	await eventually("her text", () => observer.text.toString() === "still here");
	anna.provider.destroy();
	anna.socket.destroy();
	await eventually("Anna to be gone", () => !present().includes("Anna"), 5_000);
});

test("[CLU4] a node that stands still for longer than every timeout and goes on: nothing is lost, everybody is back", {
	timeout: 90_000,
}, async () => {
	const redis = await startRedis();
	const databaseUrl = await postgres.newDatabase();
	const environment = { INDELIBLE_DATABASE_URL: databaseUrl, INDELIBLE_REDIS_URL: redis.url };
	const nodes = [];
	for (let index = 0; index < 2; index += 1) {
		const node = await startNodeProcess({ data: temporaryFolder(), environment });
		onTestFinished(() => {
			node.child.kill("SIGKILL");
		});
		nodes.push(node);
	}
	const [one, two] = nodes as [NodeProcess, NodeProcess];
	const people = [one, two].map(({ url }) => openClient({ url, name: "page" }));
	const [anna, bert] = people as [Client, Client];
	onTestFinished(() => {
		for (const person of people) person.destroy();
	});
	await Promise.all(people.map((person) => person.synced()));
	anna.type("a");
	await eventually("her letter", () => bert.text.toString() === "a");
	one.child.kill("SIGSTOP");
	anna.type("b");
	await bert.type("c").saved();
	await new Promise((resolve) => setTimeout(resolve, 12_000));
	one.child.kill("SIGCONT");
	await eventually("the same text", () => anna.text.length === 3 && bert.text.length === 3);
	await Promise.all(people.map((person) => person.saved()));
	expect(anna.text.toString()).toBe(bert.text.toString());
});
