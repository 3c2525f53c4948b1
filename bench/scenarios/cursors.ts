import { largeDocument, nameOfContents } from "../contents.ts";
import {
	cpuPerUpdateChart,
	durationOf,
	type LivePart,
	liveChartsOf,
	liveColumns,
	measureLive,
} from "../live-load.ts";
import { defineScenario } from "../scenario.ts";

const contentCharacters = 4000;
const load: LivePart = { part: "300x5", authors: 300, readers: 0, perSecond: 5 };

export const cursorsScenario = defineScenario({
	name: "cursors",
	summary: "many people move their cursors in one document",
	targets: ["indelible", "stock", "stock-tuned", "y-websocket", "raw"],
	moreTargets: ["preframed"],
	explain: (settings) =>
		`One document, ${nameOfContents(settings, contentCharacters)}, in which ${load.authors} people move their cursors ${load.perSecond} ` +
		`times a second each, ${durationOf(settings)}. An update is a state of presence (name, colour, selection); somebody has ` +
		"it when they have it or a later one of that person.",
	async measure(bench) {
		const contents = largeDocument(bench.settings, contentCharacters);
		return [await measureLive(bench, load, { contents, kind: "presence" })];
	},
	columns: liveColumns,
	charts: liveChartsOf("Move", cpuPerUpdateChart),
});
