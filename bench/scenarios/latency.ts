import { DocumentLoad } from "../document-load.ts";
import { generatorFigures } from "../generator-watch.ts";
import { observe } from "../observe.ts";
import { defineScenario } from "../scenario.ts";
import { count, generatorUse, milliseconds, perCommit } from "../show.ts";
import { generateDocument } from "../typist.ts";

/** Edits a second in all, and by how many people. */
const loads = [
	{ rate: 1, documents: 1 },
	{ rate: 50, documents: 10 },
	{ rate: 500, documents: 100 },
] as const;
const contentCharacters = 4000;
const defaultDurationS = 10;
const warmUpS = 3;

export const latencyScenario = defineScenario({
	name: "latency",
	summary: "how long after an edit its author knows that it is saved",
	explain: ({ durationS = defaultDurationS }) =>
		`${loads.map(({ rate }) => rate).join(", ")} edits a second by people who type 5 a second at most, each in a document of ` +
		`their own of ${count(contentCharacters)} characters, for ${durationS} s each. The stock server acknowledges what it has not saved.`,
	async measure({ settings: { durationS = defaultDurationS }, start, progress }) {
		const rows = [];
		for (const { rate, documents } of loads) {
			const target = await start();
			const keystrokesPerSecond = rate / documents;
			const load = await DocumentLoad.open(
				{
					url: target.url,
					documents,
					clientsPerDocument: 1,
					keystrokesPerSecond,
					contents: generateDocument(contentCharacters),
					keystrokes: (warmUpS + durationS) * keystrokesPerSecond,
				},
				progress,
			);
			await load.type(warmUpS * keystrokesPerSecond, progress);
			const before = await target.totals();
			const used = await observe(target, () =>
				load.type(durationS * keystrokesPerSecond, (text) => progress(`${rate}/s, ${text}`)),
			);
			const figures = used.result;
			const p99Ms = figures.acknowledgedAfter.percentile(0.99);
			const { commits } = await target.totals();
			await load.close();
			await target.stop();
			rows.push({
				part: `${count(rate)} ${rate === 1 ? "edit" : "edits"} a second`,
				rate,
				edits: figures.sent,
				acknowledged: figures.acknowledged / figures.sent,
				p50Ms: figures.acknowledgedAfter.percentile(0.5),
				p99Ms,
				commits: commits - before.commits,
				updatesPerCommit: figures.sent / (commits - before.commits),
				...generatorFigures(used.generator, p99Ms),
				othersCpuShare: used.othersCpuShare,
			});
		}
		return rows;
	},
	charts: {
		of: [
			{ title: "Edit → acknowledged, median", value: ({ p50Ms }) => p50Ms, text: milliseconds },
			{ title: "Edit → acknowledged, 99th percentile", value: ({ p99Ms }) => p99Ms, text: milliseconds },
		],
		note: "Indelible acknowledges what is on disk, the stock server what it has in memory and has not saved.",
	},
	columns: [
		{ title: "edits / s", cell: ({ rate }) => count(rate) },
		{ title: "p50", cell: ({ p50Ms }) => milliseconds(p50Ms) },
		{ title: "p99", cell: ({ p99Ms }) => milliseconds(p99Ms) },
		{ title: "commits", cell: ({ commits }) => count(commits) },
		{ title: "updates / commit", cell: (row) => perCommit(row.updatesPerCommit) },
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
});
