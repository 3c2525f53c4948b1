import { expect, test } from "vitest";
import { openClient } from "../support/client.ts";
import { expectAcknowledgedStored, expectInStep } from "../support/cluster-checks.ts";
import { eventually } from "../support/eventually.ts";
import { type ProcessCluster, startProcessCluster } from "../support/process-cluster.ts";
import { Random, testSeed } from "../support/random.ts";
import { Writers } from "../support/writers.ts";

const rounds = Number(process.env.INDELIBLE_CLUSTER_FAULT_ROUNDS ?? 1);

function writersOf(cluster: ProcessCluster, random: Random): Writers {
	return new Writers({
		random,
		documentNames: ["one", "two", "three"],
		perDocument: 3,
		connection: { url: cluster.url },
	});
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until all nodes answer that they are ready, and nothing is wrong with them. */
async function untilAllIsWell(cluster: ProcessCluster): Promise<void> {
	for (const node of cluster.nodes)
		await eventually(`${node.name} to be well`, async () => {
			const { status, body } = await node.readiness();
			return status === 200 && !body.includes('degraded":["');
		});
}

/** What Redis may do to those who use it. Each begins, and resolves when Redis is as before. */
const troublesOfRedis: Readonly<Record<string, (cluster: ProcessCluster, random: Random) => Promise<void>>> =
	{
		"stands still for some seconds": async ({ redis }, random) => {
			await redis.command("DEBUG", "SLEEP", 1 + random.below(4));
		},
		"throws everybody out": async ({ redis }) => {
			await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
			await redis.command("CLIENT", "KILL", "TYPE", "pubsub");
		},
		"throws the listeners out": async ({ redis }) => {
			await redis.command("CLIENT", "KILL", "TYPE", "pubsub");
		},
		"is killed and starts again, empty": async ({ redis }, random) => {
			await redis.kill();
			await pause(random.below(3_000));
			await redis.start();
		},
		"stands still for longer than nodes wait": async ({ redis }) => {
			await redis.command("DEBUG", "SLEEP", 10);
		},
	};

test("[CLU2] [CLU3] [DUR1] [CON1] Redis stands still, throws its clients out, is killed and comes back empty, under load: nodes stay ready, everything is saved, everybody agrees", {
	timeout: 60_000 + rounds * 90_000,
}, async () => {
	const random = new Random(testSeed("cluster and redis"));
	const cluster = await startProcessCluster();
	const writers = writersOf(cluster, random);
	await writers.synced();
	for (let round = 0; round < rounds; round += 1) {
		for (const [name, trouble] of Object.entries(troublesOfRedis)) {
			await writers.write(30 + random.below(60));
			if (random.chance(0.5)) writers.replaceOne();
			await writers.writeDuring(trouble(cluster, random));
			for (const node of cluster.nodes) expect((await node.readiness()).status, name).toBe(200);
			await expectAcknowledgedStored(cluster.databaseUrl, writers, name);
			// Sometimes the next one comes before all is well again.
			if (random.chance(0.5)) await expectInStep(cluster, writers);
		}
	}
	await expectInStep(cluster, writers);
	await untilAllIsWell(cluster);
});

test("[CLU3] [CLU4] a node is killed while Redis is away: what others heard of it, and what only it knew, is there when Redis is back", {
	timeout: 90_000,
}, async () => {
	const random = new Random(testSeed("cluster without redis"));
	const cluster = await startProcessCluster();
	const writers = writersOf(cluster, random);
	await writers.synced();
	await cluster.redis.kill();
	for (const node of cluster.nodes) {
		await writers.write(60);
		await node.stop("SIGKILL");
		await expectAcknowledgedStored(cluster.databaseUrl, writers, `${node.name} is dead`);
		await writers.writeDuring(node.start());
	}
	await writers.saved();
	await cluster.redis.start();
	await expectInStep(cluster, writers);
	await untilAllIsWell(cluster);
});

test("[DUR1] [DUR3] [CON1] Postgres ends at once, again and again, under load: nothing acknowledged is lost, and all is saved when it is back", {
	timeout: 60_000 + rounds * 60_000,
}, async () => {
	const random = new Random(testSeed("cluster and postgres"));
	const cluster = await startProcessCluster();
	const { postgres } = cluster;
	const writers = writersOf(cluster, random);
	await writers.synced();
	for (let round = 0; round < 3 * rounds; round += 1) {
		await writers.write(30 + random.below(100));
		await postgres.stop(random.chance(0.7) ? "immediate" : "fast");
		const awayMs = random.pick([0, 500, 2_500]);
		await writers.writeDuring(pause(awayMs));
		if (random.chance(0.3)) {
			// People move to the others, and what it had not saved is in their editors.
			await random.pick(cluster.nodes).stop("SIGKILL");
		}
		await writers.writeDuring(postgres.start());
		await expectAcknowledgedStored(cluster.databaseUrl, writers, `round ${round}`);
		for (const node of cluster.nodes) if (!node.isRunning) await writers.writeDuring(node.start());
		if (random.chance(0.5)) writers.replaceOne();
		await writers.saved();
	}
	await expectInStep(cluster, writers);
	await untilAllIsWell(cluster);
});

test("[DUR2] [DUR3] while Postgres is away people on two nodes go on together, and nobody is told that it is saved", async () => {
	const cluster = await startProcessCluster({ nodes: 2 });
	const [anna, bert] = cluster.nodes.map(({ url }) => openClient({ url, name: "page" }));
	if (anna === undefined || bert === undefined) throw new Error("two nodes, two people");
	try {
		await Promise.all([anna.synced(), bert.synced()]);
		await cluster.postgres.stop("immediate");
		anna.type("meanwhile");
		await eventually("the other one to see it", () => bert.text.toString() === "meanwhile");
		await eventually("the node to say why", async () => (await cluster.node(0).readiness()).status === 503);
		expect(anna.provider.hasUnsyncedChanges).toBe(true);
		await cluster.postgres.start();
		await Promise.all([anna.saved(), bert.saved()]);
	} finally {
		anna.destroy();
		bert.destroy();
	}
});
