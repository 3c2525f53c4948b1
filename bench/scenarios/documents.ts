import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import * as Y from "yjs";
import { DocumentLoad } from "../document-load.ts";
import { sleep } from "../pace.ts";
import { usageBetween } from "../process-usage.ts";
import { defineScenario } from "../scenario.ts";
import { bytes, count, microseconds, milliseconds, perCommit } from "../show.ts";
import { generateDocument } from "../typist.ts";

const documents = 200;
const clientsPerDocument = 3;
const keystrokesPerSecond = 5;
const contentCharacters = 4000;
const defaultDurationS = 30;
const warmUpS = 10;
/** Documents that are compared with what an unmodified provider has of them. */
const compared = 5;
const convergenceDeadlineMs = 20_000;

export const documentsScenario = defineScenario({
	name: "documents",
	summary: "many documents: CPU per update, and how long people wait",
	explain: ({ durationS = defaultDurationS }) =>
		`${documents} documents of ${count(contentCharacters)} characters × ${clientsPerDocument} clients, one of whom types ` +
		`${keystrokesPerSecond} characters a second, for ${durationS} s after ${warmUpS} s of warm-up. CPU: all threads, user and ` +
		"system.",
	async measure({ settings: { durationS = defaultDurationS }, start, progress }) {
		const target = await start();
		const load = await DocumentLoad.open(
			{
				url: target.url,
				documents,
				clientsPerDocument,
				keystrokesPerSecond,
				contents: generateDocument(contentCharacters),
				keystrokes: (warmUpS + durationS) * keystrokesPerSecond,
			},
			progress,
		);
		await load.type(warmUpS * keystrokesPerSecond, (text) => progress(`warm-up, ${text}`));

		const before = target.usage();
		const totalsBefore = await target.totals();
		const receivedBytes = load.receivedBytes;
		const figures = await load.type(durationS * keystrokesPerSecond, progress);
		const used = usageBetween(before, target.usage());
		const totals = await target.totals();
		const sentBytes = load.receivedBytes - receivedBytes;
		progress("comparing");
		const same = await converged(target.url, load.documentNames.slice(0, compared), load.text);
		await load.close();
		await target.stop();

		const commits = totals.commits - totalsBefore.commits;
		return [
			{
				updates: figures.sent,
				cpuMsPerUpdate: (used.userMs + used.systemMs) / figures.sent,
				userMsPerUpdate: used.userMs / figures.sent,
				systemMsPerUpdate: used.systemMs / figures.sent,
				seenP50Ms: figures.seenAfter.percentile(0.5),
				seenP99Ms: figures.seenAfter.percentile(0.99),
				acknowledgedP50Ms: figures.acknowledgedAfter.percentile(0.5),
				acknowledgedP99Ms: figures.acknowledgedAfter.percentile(0.99),
				delivered: figures.seen / (figures.sent * (clientsPerDocument - 1)),
				acknowledged: figures.acknowledged / figures.sent,
				commits,
				updatesPerCommit: figures.sent / commits,
				documentsPerCommit: (totals.documents - totalsBefore.documents) / commits,
				writtenBytesPerUpdate: (used.passedBytes - sentBytes) / figures.sent,
				residentBytes: used.residentBytes,
				converged: same,
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
		{ title: "memory", cell: (row) => bytes(row.residentBytes) },
		{ title: "converged", cell: (row) => `${row.converged} of ${compared}` },
	],
});

/** @returns In how many of the documents a provider that joins now gets the text that was typed. */
async function converged(url: string, names: readonly string[], text: string): Promise<number> {
	let same = 0;
	for (const name of names) {
		const document = new Y.Doc();
		const websocketProvider = new HocuspocusProviderWebsocket({ url });
		const provider = new HocuspocusProvider({ websocketProvider, name, document });
		provider.attach();
		const untilMs = performance.now() + convergenceDeadlineMs;
		const isSame = () => document.getText("text").toString() === text;
		while (!isSame() && performance.now() < untilMs) await sleep(10);
		if (isSame()) same += 1;
		provider.destroy();
		websocketProvider.destroy();
	}
	return same;
}
