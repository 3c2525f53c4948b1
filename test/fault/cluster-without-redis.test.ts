import { expect, onTestFinished, test } from "vitest";
import { type Client, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type ClusterNode, type ProcessCluster, startProcessCluster } from "../support/process-cluster.ts";

/** What CLU3 promises. */
const convergenceMsMax = 2_000;

/** Somebody on each node, all in one document. */
async function oneOnEach(cluster: ProcessCluster): Promise<Client[]> {
	const people = cluster.nodes.map(({ url }) => openClient({ url, name: "page" }));
	onTestFinished(() => {
		for (const person of people) person.destroy();
	});
	for (const person of people) await person.synced();
	return people;
}

async function isAway({ readiness }: ClusterNode): Promise<boolean> {
	const { status, body } = await readiness();
	expect(status).toBe(200);
	return /degraded.*Redis/.test(body);
}

/** Everybody writes in turn, and everybody else has it in time. @returns How long the slowest took, in ms. */
async function converse(people: readonly Client[], times: number): Promise<number> {
	let slowestMs = 0;
	for (let turn = 0; turn < times; turn += 1) {
		for (const author of people) {
			const sentMs = performance.now();
			author.type(`${turn}`);
			const text = author.text.toString();
			await eventually(
				"the others to have it",
				() => people.every((person) => person.text.toString() === text),
				convergenceMsMax,
			);
			slowestMs = Math.max(slowestMs, performance.now() - sentMs);
		}
	}
	return slowestMs;
}

test("[CLU3] people on different nodes converge within 2 s while Redis is down, from the moment it goes, and when it is back", {
	timeout: 90_000,
}, async () => {
	const cluster = await startProcessCluster();
	const people = await oneOnEach(cluster);
	await converse(people, 2);
	await cluster.redis.kill();
	const slowestMs = await converse(people, 5);
	for (const node of cluster.nodes) expect(await isAway(node)).toBe(true);
	await cluster.redis.start();
	await converse(people, 5);
	for (const node of cluster.nodes)
		await eventually(`${node.name} to have Redis again`, async () => !(await isAway(node)));
	await converse(people, 2);
	console.info(`without Redis: ${Math.round(slowestMs)} ms at most from edit to everybody`);
});

test("[CLU3] one node without Redis, and the others with it, converge within 2 s, in both directions", {
	timeout: 90_000,
}, async () => {
	const cluster = await startProcessCluster({ hasNetworks: true });
	const people = await oneOnEach(cluster);
	await converse(people, 2);
	const lonely = cluster.node(0);
	lonely.network("redis").cut();
	await converse(people, 5);
	expect(await isAway(lonely)).toBe(true);
	expect(await isAway(cluster.node(1))).toBe(false);
	lonely.network("redis").heal();
	await converse(people, 2);
	await eventually("it to have Redis again", async () => !(await isAway(lonely)));

	// Nobody says that this one is gone; it takes as long as a heartbeat may.
	lonely.network("redis").freeze();
	await eventually("it to notice", () => isAway(lonely));
	await converse(people, 5);
	lonely.network("redis").heal();
	await eventually("it to have Redis again", async () => !(await isAway(lonely)));
	await converse(people, 2);
});

test("[CLU3] whoever comes while Redis is down finds all of it, and is found", {
	timeout: 60_000,
}, async () => {
	const cluster = await startProcessCluster();
	await cluster.redis.kill();
	const people = await oneOnEach(cluster);
	await converse(people, 3);
	await cluster.node(2).stop("SIGKILL");
	people[2]?.type("kept ");
	const [first, second] = people as [Client, Client, Client];
	await converse([first, second], 3);
	await cluster.node(2).start();
	await eventually("everybody to have what was kept", () =>
		people.every((person) => person.text.toString().includes("kept ")),
	);
	await converse(people, 3);
});
