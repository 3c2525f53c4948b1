import { type BenchBalancer, startBenchBalancer } from "../balancer.ts";
import { generatorFigures, watchGenerator } from "../generator-watch.ts";
import { LastingClient } from "../lasting-client.ts";
import { sleep } from "../pace.ts";
import { cpuOf } from "../process-usage.ts";
import { Samples } from "../samples.ts";
import { type Bench, defineScenario } from "../scenario.ts";
import { count, generatorUse, milliseconds, seconds } from "../show.ts";
import { generateDocument, writeScript } from "../typist.ts";

const nodes = 3;
const documents = 200;
const clientsPerDocument = 10;
const contentCharacters = 4_000;
const keystrokesPerSecond = 0.5;
const defaultDurationS = 10;
const connectionsAtOnce = 20;
const typistId = 7;
const backDeadlineMs = 60_000;
/** Clients wait so long. */
const reconnectMs = 1_000;
/** What a test of 2,000 clients types in all, at most. */
const keystrokesMax = 500;

export const nodeLossScenario = defineScenario({
	name: "node-loss",
	summary: "2,000 people on three nodes, one of which is killed: time until they are back",
	explain: ({ durationS = defaultDurationS }) =>
		`${nodes} nodes behind HAProxy with the configuration of deploy/haproxy/any-node.cfg, ${documents} documents of ${count(contentCharacters)} characters × ` +
		`${clientsPerDocument} clients, one of whom types a character every ${1 / keystrokesPerSecond} s. One node is killed (-9). Time from then until the ` +
		"clients that were on it have the document from another node and nothing unsaved; they wait 1 s before they connect, as " +
		`providers do. CPU of each survivor: in the ${durationS} s before, and from the kill until all were back.`,
	measure: async (bench) => [await measureLoss(bench)],
	charts: {
		of: [
			{
				title: "Until all are back",
				value: (row) => (row.missing === 0 ? row.backAllMs : Number.POSITIVE_INFINITY),
				text: (valueMs) => (Number.isFinite(valueMs) ? seconds(valueMs) : "not all came back"),
			},
			{
				title: "CPU of the other nodes per client that comes",
				value: (row) => row.cpuMsPerClient,
				text: milliseconds,
			},
		],
		note: "A provider waits 1 s before it connects again; that second is in the time.",
	},
	columns: [
		{ title: "clients on it", cell: (row) => count(row.clients) },
		{ title: "back 50 %", cell: (row) => seconds(row.backP50Ms) },
		{ title: "95 %", cell: (row) => seconds(row.backP95Ms) },
		{ title: "99 %", cell: (row) => seconds(row.backP99Ms) },
		{
			title: "100 %",
			cell: (row) => (row.missing === 0 ? seconds(row.backAllMs) : `${count(row.missing)} missing`),
		},
		{ title: "CPU before", cell: (row) => share(row.cpuBefore) },
		{ title: "CPU until then", cell: (row) => share(row.cpuMeanwhile) },
		{ title: "CPU / client", cell: (row) => milliseconds(row.cpuMsPerClient) },
		{ title: "in step after", cell: (row) => seconds(row.inStepMs) },
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
});

async function measureLoss({ startCluster, settings, progress }: Bench) {
	const { durationS = defaultDurationS } = settings;
	const cluster = await startCluster(nodes);
	const balancer = await startBenchBalancer(cluster.nodes.map(({ port }) => port));
	const crowd = new Crowd(balancer);
	try {
		await crowd.open(progress);
		crowd.startTyping();
		const [victim, ...survivors] = cluster.nodes;
		progress("before");
		const before = await cpuOf(survivors, () => sleep(durationS * 1000));

		progress("a node is killed");
		const killedMs = performance.now();
		const watch = watchGenerator("processor");
		const meanwhile = await cpuOf(survivors, async () => {
			await victim?.kill();
			await crowd.allBack();
		});
		const generator = watch.end();
		progress("until all are in step");
		crowd.stopTyping();
		const inStepMs = (await crowd.inStep()) - killedMs;
		const back = new Samples();
		for (const backMs of crowd.backMs) back.add(backMs - killedMs);
		// Of a survivor.
		const cpuBefore = mean(before.cpuMs) / before.tookMs;
		const cpuMeanwhile = mean(meanwhile.cpuMs) / meanwhile.tookMs;
		const moreCpuMs = (cpuMeanwhile - cpuBefore) * meanwhile.tookMs * survivors.length;
		return {
			clients: crowd.lost,
			backP50Ms: back.percentile(0.5),
			backP95Ms: back.percentile(0.95),
			backP99Ms: back.percentile(0.99),
			backAllMs: back.percentile(1),
			missing: crowd.lost - back.count,
			cpuBefore,
			cpuMeanwhile,
			cpuMsPerClient: moreCpuMs / crowd.lost,
			inStepMs,
			...generatorFigures(generator, back.percentile(0.99) - reconnectMs),
		};
	} finally {
		crowd.leave();
		await balancer.end();
		await cluster.end();
	}
}

/** Everybody there is. */
class Crowd {
	readonly #url: string;
	readonly #script = writeScript(generateDocument(contentCharacters), {
		clientId: typistId,
		count: keystrokesMax,
	});
	/** The first client of each is its typist. */
	readonly #documents: LastingClient[][] = [];
	readonly #timers: NodeJS.Timeout[] = [];
	/** Clients that lost their connection. */
	lost = 0;
	/** When each of them was back, in ms. */
	readonly backMs: number[] = [];

	constructor({ url }: BenchBalancer) {
		this.#url = url;
	}

	async open(progress: (text: string) => void): Promise<void> {
		for (let n = 0; n < documents; n += 1)
			this.#documents.push([await this.#openClient(`crowded ${n}`, true)]);
		// Round and round, so that the people of a document come to be on all nodes.
		for (let round = 1; round < clientsPerDocument; round += 1) {
			for (let first = 0; first < documents; first += connectionsAtOnce) {
				progress(`opening, ${(round * documents + first).toLocaleString("en")} clients`);
				const some = this.#documents.slice(first, first + connectionsAtOnce);
				await Promise.all(
					some.map(async (clients, n) => clients.push(await this.#openClient(`crowded ${first + n}`, false))),
				);
			}
		}
	}

	/** Spread, so that the load is steady. */
	startTyping(): void {
		const intervalMs = 1000 / keystrokesPerSecond;
		this.#documents.forEach(([typist], n) => {
			const begin = () => this.#timers.push(setInterval(() => typist?.type(), intervalMs));
			this.#timers.push(setTimeout(begin, (intervalMs * n) / documents));
		});
	}

	stopTyping(): void {
		for (const timer of this.#timers) clearInterval(timer);
	}

	/** Resolves when everybody who was lost is back, or not to be expected any more. */
	async allBack(): Promise<void> {
		const untilMs = performance.now() + backDeadlineMs;
		while ((this.lost === 0 || this.backMs.length < this.lost) && performance.now() < untilMs) await sleep(5);
	}

	/** @returns When everybody had all that was typed, in ms; `NaN` if they had not before the deadline. */
	async inStep(): Promise<number> {
		const untilMs = performance.now() + backDeadlineMs;
		const isInStep = () =>
			this.#documents.every((clients) => clients.every(({ seen }) => seen === clients[0]?.seen));
		while (!isInStep()) {
			if (performance.now() > untilMs) return Number.NaN;
			await sleep(5);
		}
		return performance.now();
	}

	leave(): void {
		this.stopTyping();
		for (const client of this.#documents.flat()) client.leave();
	}

	#openClient(documentName: string, types: boolean): Promise<LastingClient> {
		return LastingClient.open({
			url: this.#url,
			documentName,
			script: this.#script,
			types,
			onLost: () => (this.lost += 1),
			onBack: () => this.backMs.push(performance.now()),
		});
	}
}

function mean(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function share(value: number): string {
	return `${Math.round(value * 100)} %`;
}
