import { arrive } from "../arrivals.ts";
import { largeDocument, nameOfLargeDocument } from "../contents.ts";
import { watchCpu } from "../cpu-watch.ts";
import { generatorFigures } from "../generator-watch.ts";
import { OpenDocument } from "../open-document.ts";
import { Samples } from "../samples.ts";
import { type Bench, defineScenario } from "../scenario.ts";
import { settled } from "../settled.ts";
import { bytes, count, generatorUse, milliseconds } from "../show.ts";
import { visitFrames } from "../visitor.ts";
import { WireClient } from "../wire-client.ts";

/** A document of so many characters takes 1.1 MB, when it is generated. */
const characters = 455_000;
const documentName = "cold";
const smallName = "small";
const repetitions = 5;
const deadlineMs = 60_000;

export const coldJoinScenario = defineScenario({
	name: "cold-join",
	summary: "the first one opens a large document after the server was started",
	explain: (settings) =>
		`A client opens a document of 1.1 MB (${nameOfLargeDocument(settings)}) that is stored and that nobody has opened since the server was started; ` +
		`somebody has opened a small one before. ${repetitions} times, each with a new process. Time from the TCP connection until the document is ` +
		"there; `acknowledged`: and until the server has acknowledged that the client brings nothing new. Processor time from then until the server has " +
		"nothing more to do.",
	measure: async (bench) => [await measureColdJoins(bench)],
	columns: [
		{ title: "synced p50", cell: (row) => milliseconds(row.syncedP50Ms) },
		{ title: "worst", cell: (row) => milliseconds(row.syncedMaxMs) },
		{ title: "acknowledged p50", cell: (row) => milliseconds(row.acknowledgedP50Ms) },
		{ title: "CPU until synced", cell: (row) => milliseconds(row.cpuUntilSyncedMs) },
		{ title: "CPU", cell: (row) => milliseconds(row.cpuMs) },
		{ title: "bytes", cell: (row) => bytes(row.receivedBytes) },
		{ title: "complete", cell: (row) => `${count(row.complete)} of ${count(row.joins)}` },
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
	charts: {
		of: [
			{ title: "Until the document is there, median", value: (row) => row.syncedP50Ms, text: milliseconds },
			{
				title: "Until it is acknowledged, median",
				value: (row) => row.acknowledgedP50Ms,
				text: milliseconds,
			},
			{ title: "CPU", value: (row) => row.cpuMs, text: milliseconds },
		],
	},
});

async function measureColdJoins(bench: Bench) {
	bench.progress("storing");
	const document = await store(bench);
	const synced = new Samples();
	const acknowledged = new Samples();
	const cpu = new Samples();
	const cpuUntilSynced = new Samples();
	let generatorCpuShare = 0;
	let generatorDelayMs = 0;
	let othersCpuShare = 0;
	let receivedBytes = 0;
	let complete = 0;
	for (let n = 0; n < repetitions; n += 1) {
		bench.progress(`${n + 1} of ${repetitions}`);
		const target = await bench.start();
		const somebody = await WireClient.open({ url: target.url, documentName: smallName });
		await settled(target);
		const watch = watchCpu(target);
		const { visitors, syncedAfter, acknowledgedAfter, generator } = await arrive({
			count: 1,
			arrival: () => ({ url: target.url, frames: visitFrames(documentName), keeps: true }),
			deadlineMs,
		});
		cpuUntilSynced.add(watch.end().cpuMs);
		await settled(target);
		const used = watch.end();
		cpu.add(used.cpuMs);
		generatorCpuShare += generator.cpuShare / repetitions;
		generatorDelayMs += generator.loopDelayP99Ms / repetitions;
		othersCpuShare += used.othersCpuShare / repetitions;
		synced.add(syncedAfter.percentile(0.5));
		acknowledged.add(acknowledgedAfter.percentile(0.5));
		for (const visitor of visitors) {
			receivedBytes += visitor.receivedBytes;
			if (document.isIn(visitor.updates.slice(0, visitor.updatesUntilSynced))) complete += 1;
			visitor.terminate();
		}
		somebody.terminate();
		await target.stop();
	}
	return {
		joins: repetitions,
		syncedP50Ms: synced.percentile(0.5),
		syncedMaxMs: synced.percentile(1),
		acknowledgedP50Ms: acknowledged.percentile(0.5),
		cpuUntilSyncedMs: cpuUntilSynced.percentile(0.5),
		cpuMs: cpu.percentile(0.5),
		...generatorFigures(
			{ cpuShare: generatorCpuShare, loopDelayP99Ms: generatorDelayMs },
			synced.percentile(0.5),
		),
		othersCpuShare,
		receivedBytes: receivedBytes / repetitions,
		complete,
	};
}

/** Somebody writes both documents, and the server is ended in an orderly way. */
async function store({ start, settings }: Bench): Promise<OpenDocument> {
	const target = await start();
	const { url } = target;
	const small = await WireClient.open({ url, documentName: smallName });
	const contents = largeDocument(settings, characters);
	const document = await OpenDocument.open({ url, documentName, contents, keystrokes: 100 });
	// What lies between snapshot and end of a log.
	await document.type(100);
	await settled(target);
	document.leave();
	small.terminate();
	await settled(target);
	await target.stop();
	return document;
}
