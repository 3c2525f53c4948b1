import { expect, test } from "vitest";
import { expectAcknowledgedStored, expectInStep } from "../support/cluster-checks.ts";
import { eventually } from "../support/eventually.ts";
import { type ClusterNode, startProcessCluster } from "../support/process-cluster.ts";
import { Random, testSeed } from "../support/random.ts";
import { type Writer, Writers } from "../support/writers.ts";

const rounds = Number(process.env.INDELIBLE_ROLLING_RESTARTS ?? 1);
/** The provider's own default: after a close it waits for that long before it tries again. */
const providerDelayMs = 1_000;
/** For a connection, the document and a machine that has other things to do as well. */
const joinMsMax = 4_000;

/** Notes for how long each disconnect lasts. */
function watchAbsences({ client: { provider } }: Writer, absencesMs: number[]): void {
	let leftMs: number | undefined;
	provider.on("disconnect", () => {
		leftMs ??= performance.now();
	});
	provider.on("synced", ({ state }: { state: boolean }) => {
		if (leftMs === undefined || !state) return;
		absencesMs.push(performance.now() - leftMs);
		leftMs = undefined;
	});
}

function isOnline({ client: { provider, socket } }: Writer): boolean {
	return socket.status === "connected" && provider.isSynced;
}

/** One node is replaced while everybody goes on; afterwards all are connected again. @returns Close codes, per writer. */
async function restart(node: ClusterNode, writers: Writers): Promise<number[][]> {
	const before = writers.present.map(({ client }) => client.closes.length);
	let saidNotReady = false;
	const watch = setInterval(async () => {
		saidNotReady ||= await node.readiness().then(
			({ status }) => status === 503,
			() => false,
		);
	}, 20);
	const ended = await writers.writeDuring(node.stop("SIGTERM"));
	clearInterval(watch);
	expect(ended, node.output()).toBe(0);
	await writers.writeDuring(node.start());
	await writers.writeDuring(
		eventually("everybody to be connected again", () => writers.present.every(isOnline)),
	);
	const closes = writers.present.map(({ client }, index) =>
		client.closes.slice(before[index]).map(({ code }) => code),
	);
	// With nobody to send away it is gone too soon to be asked.
	if (closes.flat().length > 0) expect(saidNotReady, "it said that it was not ready").toBe(true);
	return closes;
}

test.for(["any-node", "document-affinity"] as const)(
	"[TRN3] [CON1] [DUR1] every node in turn is stopped and started under live editors, balanced by %s: nobody loses a character, or is disconnected twice by the same stop",
	{ timeout: 60_000 + rounds * 60_000 },
	async (flavour) => {
		const random = new Random(testSeed(`rolling restart, ${flavour}`));
		const cluster = await startProcessCluster({ flavour });
		const writers = new Writers({
			random,
			documentNames: ["one", "two", "three", "four", "five"],
			perDocument: 4,
			connection: {
				url: cluster.url,
				reconnectDelayMs: providerDelayMs,
				namesDocument: flavour === "document-affinity",
			},
		});
		await writers.synced();
		const absencesMs: number[] = [];
		for (const writer of writers.present) watchAbsences(writer, absencesMs);
		let moved = 0;
		for (let round = 0; round < rounds; round += 1) {
			for (const node of cluster.nodes) {
				const closes = await restart(node, writers);
				await expectAcknowledgedStored(cluster.databaseUrl, writers, `${node.name} was restarted`);
				for (const codes of closes) expect(codes.length, codes.join()).toBeLessThanOrEqual(1);
				expect(closes.flat().filter((code) => code !== 1012)).toEqual([]);
				moved += closes.flat().length;
			}
		}
		await expectInStep(cluster, writers);
		// Otherwise nobody was there when a node stopped.
		expect(moved).toBeGreaterThan(10);
		expect(Math.max(...absencesMs)).toBeLessThan(providerDelayMs + joinMsMax);
		console.info(
			`rolling restart, ${flavour}: ${writers.writtenInAll} words, ${moved} moves, absent for ${Math.round(Math.max(...absencesMs))} ms at most`,
		);
	},
);
