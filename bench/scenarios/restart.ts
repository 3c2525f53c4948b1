import * as Y from "yjs";
import { bringDocuments } from "../bring-documents.ts";
import { watchCpu } from "../cpu-watch.ts";
import { GeneratorWatch, generatorFigures, watchGenerator } from "../generator-watch.ts";
import { sleep } from "../pace.ts";
import { Returner } from "../returner.ts";
import { Samples } from "../samples.ts";
import { type Bench, chosenParts, defineScenario } from "../scenario.ts";
import { settled } from "../settled.ts";
import { count, generatorUse, milliseconds, seconds } from "../show.ts";
import type { TargetProcess } from "../target-process.ts";
import { generateDocument } from "../typist.ts";
import { presenceFrame, type VisitFrames, visitFrames } from "../visitor.ts";

const parts = [
	{ part: "silent", showsPresence: false },
	{ part: "presence", showsPresence: true, onRequest: true },
] as const;
type Part = (typeof parts)[number];

const documents = 500;
const clientsPerDocument = 10;
const clients = documents * clientsPerDocument;
const contentCharacters = 1_000;
const documentsAtOnce = 25;
const firstClientId = 2_000_000_000;
const openDeadlineMs = 60_000;
const backDeadlineMs = 60_000;
/** Acknowledgements follow what is measured; their processor time belongs to it. */
const afterwardsMs = 500;
/** Providers wait so long, at least. */
const reconnectMs = 1_000;

export const restartScenario = defineScenario({
	name: "restart",
	summary: "5,000 people on a node that is killed and started again",
	parts: parts.map(({ part }) => part),
	explain: () =>
		`${count(clients)} clients, ${clientsPerDocument} in each of ${documents} documents of ${count(contentCharacters)} characters. The node is ` +
		"killed (-9) and started again at once, on the same port. All connect again as providers do, 1 s after their connection was lost and then " +
		"with its delays, with the whole document; `presence`: and with who they are. Time from the kill until they are synced; processor time of the " +
		"new process until all are.",
	async measure(bench) {
		const rows = [];
		for (const part of chosenParts(parts, bench.settings)) rows.push(await measureRestart(bench, part));
		return rows;
	},
	columns: [
		{ title: "part", cell: ({ part }) => part },
		{ title: "listens again", cell: (row) => seconds(row.listensMs) },
		{ title: "synced 50 %", cell: (row) => seconds(row.backP50Ms) },
		{ title: "95 %", cell: (row) => seconds(row.backP95Ms) },
		{ title: "99 %", cell: (row) => seconds(row.backP99Ms) },
		{
			title: "100 %",
			cell: (row) => (row.missing === 0 ? seconds(row.backAllMs) : `${count(row.missing)} missing`),
		},
		{ title: "CPU", cell: (row) => seconds(row.cpuMs) },
		{ title: "without its start", cell: (row) => seconds(row.cpuMs - row.startCpuMs) },
		{
			title: "of that main thread, V8's, others",
			aside: true,
			// Runs that were saved before this was measured have none.
			cell: ({ mainThreadMs = Number.NaN, v8ThreadsMs = Number.NaN, otherThreadsMs = Number.NaN }) =>
				[mainThreadMs, v8ThreadsMs, otherThreadsMs].map(seconds).join(", "),
		},
		{ title: "failed attempts", cell: (row) => count(row.failures) },
		{
			title: "generator",
			aside: true,
			cell: (row) => `${milliseconds(row.generatorCpuMsPerClient)} each, ${generatorUse(row)}`,
		},
	],
	charts: {
		of: [
			{ title: "Until 99 % are in step again", value: (row) => row.backP99Ms, text: seconds },
			{ title: "CPU of the new process until all are", value: (row) => row.cpuMs, text: seconds },
		],
		partTitle: ({ part }) =>
			part === "presence" ? "presence: each says who they are" : "silent: without presence",
		note: "A provider waits 1 s before it connects again; that second and the start of the process are in the time.",
	},
});

async function measureRestart(bench: Bench, part: Part) {
	const { start, progress } = bench;
	const say = (text: string) => progress(`${part.part}, ${text}`);
	const target = await start();
	const crowd = new Crowd(target, part);
	try {
		await crowd.open(say);
		say("waiting until the server has nothing to do");
		await settled(target);
		say("killed");
		const killedMs = performance.now();
		crowd.lose();
		await target.kill();
		const again = await start(target.port);
		const listensMs = performance.now() - killedMs;
		const startCpuMs = again.processorMs();
		const startThreads = again.threads();
		const watch = watchCpu(again);
		const generator = new GeneratorWatch();
		const loop = watchGenerator();
		await crowd.allBack(say);
		await sleep(afterwardsMs);
		const used = watch.end();
		const threads = again.threads();
		generator.end();
		const back = new Samples();
		for (const backMs of crowd.backMs) back.add(backMs - killedMs);
		crowd.leave();
		await again.stop();
		const backP99Ms = back.percentile(0.99);
		return {
			part: part.part,
			clients,
			listensMs,
			backP50Ms: back.percentile(0.5),
			backP95Ms: back.percentile(0.95),
			backP99Ms,
			backAllMs: back.percentile(1),
			missing: clients - back.count,
			cpuMs: startCpuMs + used.cpuMs,
			startCpuMs,
			mainThreadMs: threads.mainMs - startThreads.mainMs,
			v8ThreadsMs: threads.v8Ms - startThreads.v8Ms,
			otherThreadsMs: threads.othersMs - startThreads.othersMs,
			failures: crowd.failures,
			...generatorFigures(
				{
					// Nobody connects before that.
					cpuShare: generator.cpuShare(killedMs + reconnectMs, killedMs + backP99Ms),
					loopDelayP99Ms: loop.end().loopDelayP99Ms,
				},
				backP99Ms - reconnectMs,
			),
			generatorCpuMsPerClient: used.generatorCpuMs / clients,
			othersCpuShare: used.othersCpuShare,
		};
	} finally {
		crowd.leave();
	}
}

/** Everybody there is. */
class Crowd {
	readonly #target: TargetProcess;
	readonly #part: Part;
	readonly #contents = generateDocument(contentCharacters);
	readonly #returners: Returner[] = [];
	/** When each of them had the document again, in ms. */
	backMs: number[] = [];
	/** Attempts to connect that have failed. */
	failures = 0;

	constructor(target: TargetProcess, part: Part) {
		this.#target = target;
		this.#part = part;
	}

	async open(progress: (text: string) => void): Promise<void> {
		const stateVector = Y.encodeStateVectorFromUpdate(this.#contents);
		for (let first = 0; first < documents; first += documentsAtOnce) {
			progress(`${count(first * clientsPerDocument)} of ${count(clients)} are there`);
			const names = Array.from(
				{ length: Math.min(documentsAtOnce, documents - first) },
				(_, n) => `restarted ${first + n}`,
			);
			await bringDocuments(this.#target.url, names, this.#contents);
			for (const name of names) {
				const frames = visitFrames(name, stateVector);
				for (let client = 0; client < clientsPerDocument; client += 1) this.#visit(name, frames);
			}
			await this.#synced(this.#returners.length, openDeadlineMs);
			if (this.backMs.length < this.#returners.length)
				throw new Error(`${this.#returners.length - this.backMs.length} clients did not get in`);
		}
	}

	/** From now on, all that happens belongs to the restart. */
	lose(): void {
		this.backMs = [];
		this.failures = 0;
	}

	/** Resolves when all are back, or not to be expected any more. */
	async allBack(progress: (text: string) => void): Promise<void> {
		progress("until all are back");
		await this.#synced(clients, backDeadlineMs);
	}

	leave(): void {
		for (const returner of this.#returners) returner.leave();
	}

	async #synced(wanted: number, deadlineMs: number): Promise<void> {
		const untilMs = performance.now() + deadlineMs;
		while (this.backMs.length < wanted && performance.now() < untilMs) await sleep(5);
	}

	#visit(documentName: string, frames: VisitFrames): void {
		const n = this.#returners.length;
		const state = JSON.stringify({ user: { name: `Visitor ${n}`, color: "#30bced" } });
		this.#returners.push(
			new Returner({
				url: this.#target.url,
				frames,
				...(this.#part.showsPresence && {
					presence: presenceFrame(documentName, firstClientId + n, 1, state),
				}),
				onSynced: () => this.backMs.push(performance.now()),
				onFailure: () => (this.failures += 1),
			}),
		);
	}
}
