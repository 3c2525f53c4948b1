import { largeDocument, nameOfContents } from "../contents.ts";
import { DocumentLoad } from "../document-load.ts";
import { generatorFigures } from "../generator-watch.ts";
import { broadcasterNote } from "../live-load.ts";
import { observe } from "../observe.ts";
import { sleep } from "../pace.ts";
import { Person } from "../person.ts";
import { defineScenario } from "../scenario.ts";
import { bytes, count, generatorUse, microseconds, milliseconds, perCommit } from "../show.ts";
import { keepsDocuments } from "../target-process.ts";

const documents = 200;
const clientsPerDocument = 3;
const keystrokesPerSecond = 5;
const contentCharacters = 4000;
/** The stock server saves each document every 10 s. */
const defaultDurationS = 10;
/** V8 takes long to compile what is hot. */
const warmUp = { durationS: 15, perSecond: 10 } as const;
/** Documents in which unmodified clients look on, and are compared at the end. */
const compared = 5;
const convergenceDeadlineMs = 20_000;

export const documentsScenario = defineScenario({
	name: "documents",
	summary: "many documents: CPU per update, and how long people wait",
	targets: ["indelible", "stock", "raw"],
	moreTargets: ["stock-tuned", "preframed"],
	explain: ({ durationS = defaultDurationS, ...settings }) =>
		`${documents} documents, ${nameOfContents(settings, contentCharacters)}, × ${clientsPerDocument} clients, one of whom types ` +
		`${keystrokesPerSecond} characters a second, for ${durationS} s after ${warmUp.durationS} s of warm-up with ${warmUp.perSecond}. CPU: all threads, user and ` +
		"system.",
	async measure({ target: name, settings, start, progress }) {
		const { durationS = defaultDurationS } = settings;
		const target = await start();
		const load = await DocumentLoad.open(
			{
				url: target.url,
				documents,
				clientsPerDocument,
				keystrokesPerSecond,
				contents: largeDocument(settings, contentCharacters),
				keystrokes: warmUp.durationS * warmUp.perSecond + durationS * keystrokesPerSecond,
			},
			progress,
		);
		const witnesses = keepsDocuments(name) ? await joinSome(target.url, load) : [];
		await load.type(
			warmUp.durationS * warmUp.perSecond,
			(text) => progress(`warm-up, ${text}`),
			warmUp.perSecond,
		);

		const totalsBefore = await target.totals();
		const receivedBytes = load.receivedBytes;
		const used = await observe(target, () => load.type(durationS * keystrokesPerSecond, progress));
		const figures = used.result;
		const totals = await target.totals();
		const sentBytes = load.receivedBytes - receivedBytes;
		progress("comparing");
		const converged = await convergedIn(target.url, witnesses, load.text);
		await load.close();
		await target.stop();

		const seenP99Ms = figures.seenAfter.percentile(0.99);
		const commits = totals.commits - totalsBefore.commits;
		return [
			{
				updates: figures.sent,
				cpuMsPerUpdate: used.cpuMs / figures.sent,
				userMsPerUpdate: used.userMs / figures.sent,
				systemMsPerUpdate: used.systemMs / figures.sent,
				seenP50Ms: figures.seenAfter.percentile(0.5),
				seenP99Ms,
				acknowledgedP50Ms: figures.acknowledgedAfter.percentile(0.5),
				acknowledgedP99Ms: figures.acknowledgedAfter.percentile(0.99),
				delivered: figures.seen / (figures.sent * (clientsPerDocument - 1)),
				acknowledged: figures.acknowledged / figures.sent,
				commits,
				updatesPerCommit: figures.sent / commits,
				documentsPerCommit: (totals.documents - totalsBefore.documents) / commits,
				writtenBytesPerUpdate: keepsDocuments(name)
					? (used.passedBytes - sentBytes) / figures.sent
					: Number.NaN,
				sentBytesPerUpdate: sentBytes / figures.sent,
				residentBytes: used.residentBytes,
				loopDelayP99Ms: used.loopDelayP99Ms,
				converged: keepsDocuments(name) ? converged : Number.NaN,
				...generatorFigures(used.generator, seenP99Ms),
				othersCpuShare: used.othersCpuShare,
			},
		];
	},
	columns: [
		{ title: "CPU / update", cell: (row) => microseconds(row.cpuMsPerUpdate) },
		{
			title: "user + system",
			cell: (row) => `${microseconds(row.userMsPerUpdate)} + ${microseconds(row.systemMsPerUpdate)}`,
		},
		{
			title: "to peer p50, p99",
			cell: (row) => `${milliseconds(row.seenP50Ms)}, ${milliseconds(row.seenP99Ms)}`,
		},
		{
			title: "acknowledged p50, p99",
			cell: (row) => `${milliseconds(row.acknowledgedP50Ms)}, ${milliseconds(row.acknowledgedP99Ms)}`,
		},
		{ title: "delivered", cell: ({ delivered }) => `${(delivered * 100).toFixed(2)} %` },
		{ title: "commits", cell: ({ commits }) => count(commits) },
		{ title: "updates / commit", cell: (row) => perCommit(row.updatesPerCommit) },
		{ title: "written / update", cell: (row) => bytes(row.writtenBytesPerUpdate) },
		{ title: "memory", aside: true, cell: (row) => bytes(row.residentBytes) },
		{ title: "loop late p99", aside: true, cell: (row) => milliseconds(row.loopDelayP99Ms) },
		{
			title: "converged",
			aside: true,
			cell: ({ converged }) => (Number.isNaN(converged) ? "-" : `${converged} of ${compared}`),
		},
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
	charts: {
		of: [
			{ title: "CPU per update", value: (row) => row.cpuMsPerUpdate, text: microseconds },
			{ title: "Edit → others, median", value: (row) => row.seenP50Ms, text: milliseconds },
			{ title: "Edit → others, 99th percentile", value: (row) => row.seenP99Ms, text: milliseconds },
		],
		note: broadcasterNote,
	},
});

/** In each of some documents, an unmodified client from the beginning. */
function joinSome(url: string, load: DocumentLoad): Promise<readonly Person[]> {
	return Promise.all(load.documentNames.slice(0, compared).map((name) => Person.open(name, () => url)));
}

/** @returns In how many of the documents those who were there and somebody who joins now have the text that was typed. */
async function convergedIn(url: string, witnesses: readonly Person[], text: string): Promise<number> {
	let converged = 0;
	for (const witness of witnesses) {
		const latecomer = await Person.open(witness.documentName, () => url);
		const people = [witness, latecomer];
		const isSame = () => people.every((person) => person.text.toString() === text);
		const untilMs = performance.now() + convergenceDeadlineMs;
		while (!isSame() && performance.now() < untilMs) await sleep(10);
		if (isSame()) converged += 1;
		for (const person of people) person.leave();
	}
	return converged;
}
