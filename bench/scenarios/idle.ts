import { readFileSync } from "node:fs";
import { watchCpu } from "../cpu-watch.ts";
import { generatorFigures, watchGenerator } from "../generator-watch.ts";
import { IdleCrowd } from "../idle-crowd.ts";
import { sleep } from "../pace.ts";
import { type Bench, type BenchSettings, chosenParts, defineScenario } from "../scenario.ts";
import { settled } from "../settled.ts";
import { bytes, count, generatorUse, percent } from "../show.ts";
import { type TargetName, type TargetProcess, targets } from "../target-process.ts";
import { generateDocument } from "../typist.ts";
import { WireClient } from "../wire-client.ts";

const parts = [
	{ part: "5000", connections: 5_000, isOursAlone: false },
	// Of the others by `--part` only: it takes long, and says little else of them.
	{ part: "15000", connections: 15_000, isOursAlone: true },
] as const;
type Part = (typeof parts)[number];

const connectionsPerDocument = 5;
const contentCharacters = 100;
const defaultDurationS = 15;
/** Files of a server, or of this process, that are no connections of clients. */
const otherFiles = 500;
const collections = 3;
const stableBytes = 200_000;
const stableMs = 1_000;
const stableDeadlineMs = 30_000;

export const idleScenario = defineScenario({
	name: "idle",
	summary: "thousands have documents open and do nothing",
	targets: ["indelible", "stock", "raw"],
	parts: parts.map(({ part }) => part),
	explain: ({ durationS = defaultDurationS }: BenchSettings) =>
		`Connections, ${connectionsPerDocument} to a document of ${contentCharacters} characters, all in step and without presence, that answer pings; ` +
		"those of the stock server, which sends away clients from which nothing comes, ask for presence every 50 s. Memory: RSS with all of them less that " +
		`before, garbage collected each time, ÷ connections; documents included. Processor time over ${durationS} s in which nothing happens.`,
	async measure(bench) {
		const rows = [];
		for (const part of chosenParts(parts, bench.settings)) {
			const isWanted = bench.settings.part !== undefined || !part.isOursAlone || bench.target === "indelible";
			if (isWanted) rows.push(await measureIdle(bench, part));
		}
		return rows;
	},
	charts: {
		of: [
			{ title: "Memory per connection", value: (row) => row.bytesPerConnection, text: bytes },
			{ title: "Share of a processor while nothing happens", value: (row) => row.cpuShare, text: percent },
		],
		partTitle: (row) => `${count(row.connections)} connections`,
	},
	columns: [
		{ title: "connections", cell: (row) => count(row.connections) },
		{ title: "held", cell: (row) => count(row.held) },
		{ title: "memory / connection", cell: (row) => bytes(row.bytesPerConnection) },
		{ title: "memory", cell: (row) => bytes(row.residentBytes) },
		{ title: "CPU", cell: (row) => percent(row.cpuShare) },
		{ title: "CPU / opening", cell: (row) => `${row.openingCpuMs.toFixed(2)} ms` },
		{
			title: "complete",
			// A broadcaster has no documents.
			cell: ({ target, complete, kept }) =>
				target === targets.raw ? "-" : `${count(complete)} of ${count(kept)}`,
		},
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
});

async function measureIdle({ target: name, settings, start, progress }: Bench, part: Part) {
	const { durationS = defaultDurationS } = settings;
	const connections = Math.min(part.connections, openFilesMax() - otherFiles);
	const say = (text: string) => progress(`${part.part}, ${text}`);
	const target = await start();
	const { url } = target;
	// So that it has done once what it is going to do.
	const first = await WireClient.open({ url, documentName: "first" });
	await settled(target);
	const before = await residentBytes(target);
	const crowd = new IdleCrowd({
		url,
		connections,
		connectionsPerDocument,
		contents: generateDocument(contentCharacters),
		needsSignsOfLife: needsSignsOfLife(name),
	});
	try {
		const cpuBefore = target.processorMs();
		await crowd.open(say);
		await settled(target);
		const openingCpuMs = (target.processorMs() - cpuBefore) / connections;
		say("collecting garbage");
		const after = await residentBytes(target);
		say(`idle for ${durationS} s`);
		const generating = watchGenerator();
		const watch = watchCpu(target);
		await sleep(durationS * 1000);
		const { cpuMs, tookMs, othersCpuShare } = watch.end();
		const generator = generating.end();
		const figures = {
			part: part.part,
			connections,
			held: crowd.held,
			bytesPerConnection: (after - before) / connections,
			residentBytes: after,
			cpuShare: cpuMs / tookMs,
			...generatorFigures(generator),
			othersCpuShare,
			openingCpuMs,
			...crowd.completeness(),
		};
		crowd.leave();
		first.terminate();
		await target.stop();
		return figures;
	} finally {
		crowd.leave();
		first.terminate();
	}
}

/** Its memory when its garbage is collected and what is free was given back. */
async function residentBytes(target: TargetProcess): Promise<number> {
	for (let n = 0; n < collections; n += 1) await target.collectGarbage();
	const untilMs = performance.now() + stableDeadlineMs;
	let last = target.usage().residentBytes;
	for (;;) {
		await sleep(stableMs);
		const now = target.usage().residentBytes;
		if (Math.abs(now - last) < stableBytes || performance.now() > untilMs) return now;
		last = now;
	}
}

function needsSignsOfLife(target: TargetName): boolean {
	return target.startsWith("stock");
}

/** Files that this process, and so the server that it starts, may have open. Node raises the limit as far as it is let. */
function openFilesMax(): number {
	const [, soft = ""] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
	return Number(soft);
}
