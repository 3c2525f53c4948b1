import { expect, test } from "vitest";
import { expectAcknowledgedStored, expectInStep } from "../support/cluster-checks.ts";
import {
	type Neighbour,
	neighbours,
	type ProcessCluster,
	startProcessCluster,
} from "../support/process-cluster.ts";
import { Random, testSeed } from "../support/random.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { type ConnectionOptions, Writers } from "../support/writers.ts";

const rounds = Number(process.env.INDELIBLE_CLUSTER_FAULT_ROUNDS ?? 1);

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

function writersOf(
	{ url }: ProcessCluster,
	random: Random,
	options: Omit<ConnectionOptions, "url"> = {},
): Writers {
	const connection = { url, ...options };
	return new Writers({ random, documentNames: ["one", "two", "three"], perDocument: 3, connection });
}

/** Ways to part two, and for how long. */
const partings: Readonly<
	Record<string, { readonly part: (network: TcpProxy) => void; readonly ms: (from: Neighbour) => number }>
> = {
	cut: { part: (network) => network.cut(), ms: () => 2_000 },
	"half-open": { part: (network) => network.freeze(), ms: (from) => patienceMs[from] + 1_500 },
	slow: {
		part: (network) => {
			network.delayMs = 700;
		},
		ms: () => 3_000,
	},
};

/** For how long a connection on which nothing comes is believed in. */
const patienceMs: Readonly<Record<Neighbour, number>> = { redis: 8_000, postgres: 10_000, balancer: 3_000 };

test.for(neighbours)(
	"[CLU2] [CLU3] [DUR1] [DUR3] [CON1] one node is parted from %s, cut off, half-open and slowly, under load: nothing acknowledged is lost, and everybody agrees",
	{ timeout: 60_000 + rounds * 90_000 },
	async (neighbour) => {
		const random = new Random(testSeed(`parted from ${neighbour}`));
		const cluster = await startProcessCluster({ hasNetworks: true });
		const writers = writersOf(cluster, random);
		await writers.synced();
		for (let round = 0; round < rounds; round += 1) {
			for (const [way, { part, ms }] of Object.entries(partings)) {
				const network = random.pick(cluster.nodes).network(neighbour);
				await writers.write(30 + random.below(60));
				part(network);
				await writers.writeDuring(pause(ms(neighbour)));
				await expectAcknowledgedStored(cluster.databaseUrl, writers, `parted, ${way}`);
				if (random.chance(0.5)) writers.replaceOne();
				network.heal();
				await writers.write(20);
				if (random.chance(0.5)) await expectInStep(cluster, writers);
			}
		}
		await expectInStep(cluster, writers);
	},
);

test("[CLU4] [DUR1] [CON1] a node stands still for longer than every timeout, under load, and goes on: its people are elsewhere meanwhile, nothing is lost, nothing is there twice", {
	timeout: 60_000 + rounds * 60_000,
}, async () => {
	const random = new Random(testSeed("standing still"));
	const cluster = await startProcessCluster({ flags: ["--ping-interval-ms", "3000"] });
	const writers = writersOf(cluster, random, { silenceMsMax: 5_000 });
	await writers.synced();
	for (let round = 0; round < rounds; round += 1) {
		const node = random.pick(cluster.nodes);
		await writers.write(100);
		node.pause();
		await writers.writeDuring(pause(13_000));
		await writers.saved();
		await expectAcknowledgedStored(cluster.databaseUrl, writers, "while it stands still");
		await writers.write(50);
		node.resume();
		await expectInStep(cluster, writers);
		expect((await node.readiness()).status).toBe(200);
	}
});
