import { largeDocument, nameOfContents } from "../contents.ts";
import { durationOf, type LivePart, liveCharts, liveColumns, measureLive } from "../live-load.ts";
import { chosenParts, defineScenario } from "../scenario.ts";

const contentCharacters = 4000;

const parts: readonly LivePart[] = [
	{ part: "100x20", authors: 100, readers: 0, perSecond: 20 },
	{ part: "1000x1", authors: 1000, readers: 0, perSecond: 1 },
	{ part: "1000x3", authors: 1000, readers: 0, perSecond: 3 },
	{ part: "1000x5", authors: 1000, readers: 0, perSecond: 5 },
];

export const writersScenario = defineScenario({
	name: "writers",
	summary: "many people type in one document, and all see it",
	targets: ["indelible", "stock", "stock-tuned", "y-websocket", "raw", "preframed"],
	parts: parts.map(({ part }) => part),
	explain: (settings) =>
		`One document, ${nameOfContents(settings, contentCharacters)}, in which all type, each in a place of their own, and all see it: ` +
		`people × characters a second of each, ${durationOf(settings)}.`,
	async measure(bench) {
		const contents = largeDocument(bench.settings, contentCharacters);
		const rows = [];
		for (const part of chosenParts(parts, bench.settings))
			rows.push(await measureLive(bench, part, { contents, kind: "edits" }));
		return rows;
	},
	columns: liveColumns,
	charts: liveCharts,
});
