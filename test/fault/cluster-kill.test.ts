import { expect, test } from "vitest";
import { expectAcknowledgedStored, expectInStep } from "../support/cluster-checks.ts";
import { type ClusterNode, startProcessCluster } from "../support/process-cluster.ts";
import { Random, testSeed } from "../support/random.ts";
import { Writers } from "../support/writers.ts";

const rounds = Number(process.env.INDELIBLE_CLUSTER_KILL_ROUNDS ?? 30);

test(`[DUR1] [CON1] [CLU4] ${rounds} kills of random nodes of three behind a balancer: what was acknowledged is stored, everybody agrees, nothing is there twice`, {
	timeout: 60_000 + rounds * 10_000,
}, async () => {
	const random = new Random(testSeed("cluster kill"));
	const cluster = await startProcessCluster({ hasNetworks: true });
	const writers = new Writers({
		random,
		documentNames: ["one", "two", "three", "four"],
		perDocument: 3,
		connection: { url: cluster.url },
	});
	await writers.synced();
	for (let kills = 0; kills < rounds; ) {
		// Now and then two at once, or all.
		const victims = random.pick([1, 1, 1, 1, 2, 2, 3]);
		const nodes = shuffled(cluster.nodes, random).slice(0, victims);
		await writers.write(20 + random.below(150));
		if (random.chance(0.3)) writers.replaceOne();
		if (random.chance(0.3)) await writers.saved();
		// Then the others hear of some edits, and the store does not before the node is dead.
		if (random.chance(0.5)) for (const node of nodes) node.network("postgres").delayMs = 200;
		await writers.write(10 + random.below(20));
		await pause(random.below(100));
		await Promise.all(nodes.map((node) => node.stop("SIGKILL")));
		for (const node of nodes) node.network("postgres").heal();
		kills += victims;
		await expectAcknowledgedStored(cluster.databaseUrl, writers, `after ${kills} kills`);
		const survivors = cluster.nodes.filter((node) => !nodes.includes(node));
		if (survivors.length > 0 && random.chance(0.3)) {
			// They know some of it from the dead only, and acknowledge it to those who come over.
			await writers.saved();
			await Promise.all(survivors.map((node) => node.stop("SIGKILL")));
			kills += survivors.length;
			await expectAcknowledgedStored(cluster.databaseUrl, writers, `after ${kills} kills, all nodes dead`);
			nodes.push(...survivors);
		}
		const returning = nodes.map((node) => node.start());
		if (random.chance(0.5)) await writers.writeDuring(Promise.all(returning));
		else await Promise.all(returning);
	}
	await expectInStep(cluster, writers);
	console.info(
		`cluster kill: ${rounds} kills, ${writers.writtenInAll} words, ${writers.acknowledgedInAll} acknowledged`,
	);
	// Otherwise the kills proved less than the title says.
	expect(writers.acknowledgedInAll).toBeGreaterThan(rounds * 10);
});

function shuffled(nodes: readonly ClusterNode[], random: Random): ClusterNode[] {
	const left = [...nodes];
	return nodes.map(() => left.splice(random.below(left.length), 1)[0] as ClusterNode);
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
