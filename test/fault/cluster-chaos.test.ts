import { expect, test } from "vitest";
import { expectAcknowledgedStored, expectInStep } from "../support/cluster-checks.ts";
import { neighbours, type ProcessCluster, startProcessCluster } from "../support/process-cluster.ts";
import { Random, testSeed } from "../support/random.ts";
import { Writers } from "../support/writers.ts";

const rounds = Number(process.env.INDELIBLE_CHAOS_ROUNDS ?? 6);

/** One thing that goes wrong for a while; all is as before when it resolves. */
type Trouble = (cluster: ProcessCluster, random: Random) => Promise<void>;

const troubles: readonly Trouble[] = [
	async function killNode(cluster, random) {
		const node = cluster.node(0);
		await node.stop("SIGKILL");
		await pause(random.below(2_000));
		// Nobody starts where the database is away.
		await startPersistently(node);
	},
	async function stopNode(cluster) {
		const node = cluster.node(1);
		await node.stop("SIGTERM");
		await startPersistently(node);
	},
	async function pauseNode({ nodes }, random) {
		const node = random.pick(nodes);
		node.pause();
		await pause(random.below(5_000));
		node.resume();
	},
	async function partNode({ nodes }, random) {
		const network = random.pick(nodes).network(random.pick(neighbours));
		const way = random.pick(["cut", "freeze", "reset", "slow"] as const);
		if (way === "slow") network.delayMs = 50 + random.below(1_000);
		else network[way]();
		await pause(random.below(5_000));
		network.heal();
	},
	async function killRedis({ redis }, random) {
		await redis.kill();
		await pause(random.below(4_000));
		await redis.start();
	},
	async function holdRedis({ redis }, random) {
		// It may be killed meanwhile.
		await redis.command("DEBUG", "SLEEP", random.below(40) / 10).catch(() => {});
	},
	async function endConnectionsToRedis({ redis }, random) {
		const type = random.pick(["normal", "pubsub"]);
		await redis.command("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes").catch(() => {});
	},
	async function crashPostgres({ postgres }, random) {
		await postgres.stop("immediate");
		await pause(random.below(2_000));
		await postgres.start();
	},
];

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

async function startPersistently(node: ProcessCluster["nodes"][number]): Promise<void> {
	for (let attempt = 1; ; attempt += 1) {
		try {
			await node.start();
			return;
		} catch (error) {
			if (attempt === 20) throw error;
			await pause(500);
		}
	}
}

test(`[DUR1] [DUR3] [CLU2] [CLU3] [CLU4] [CON1] ${rounds} times, several things go wrong at once: what was acknowledged is stored, everybody agrees`, {
	timeout: 90_000 + rounds * 30_000,
}, async () => {
	const random = new Random(testSeed("cluster chaos"));
	const cluster = await startProcessCluster({ hasNetworks: true, flags: ["--ping-interval-ms", "3000"] });
	const writers = new Writers({
		random,
		documentNames: ["one", "two", "three", "four"],
		perDocument: 3,
		connection: { url: cluster.url, silenceMsMax: 6_000 },
	});
	await writers.synced();
	for (let round = 0; round < rounds; round += 1) {
		// Two of the same kind would undo each other.
		const chosen = new Set(Array.from({ length: 1 + random.below(4) }, () => random.pick(troubles)));
		const names = [...chosen].map(({ name }) => name).join(", ");
		await writers.write(random.below(100));
		await writers.writeDuring(Promise.all([...chosen].map((trouble) => trouble(cluster, random))));
		await expectAcknowledgedStored(cluster.databaseUrl, writers, `round ${round}: ${names}`);
		if (random.chance(0.3)) writers.replaceOne();
		if (random.chance(0.3)) await expectInStep(cluster, writers, 60_000);
	}
	await expectInStep(cluster, writers, 60_000);
	for (const node of cluster.nodes) expect((await node.readiness()).status).toBe(200);
	console.info(`cluster chaos: ${writers.writtenInAll} words, ${writers.acknowledgedInAll} acknowledged`);
});
