import { largeDocument, nameOfContents } from "../contents.ts";
import {
	cpuPerDeliveryChart,
	durationOf,
	type LivePart,
	liveChartsOf,
	liveColumns,
	measureLive,
} from "../live-load.ts";
import { type BenchSettings, chosenParts, defineScenario } from "../scenario.ts";
import { count } from "../show.ts";

const contentCharacters = 4000;
const perSecond = 20;
/** Where little happens, V8 takes long to compile what is hot. */
const warmUp = { durationS: 15, perSecond: 40 } as const;
/** Of 20 edits in a second, it takes many seconds for a figure that is the same the next time. */
const defaultDurationS = 20;

const parts: readonly LivePart[] = [
	{ part: "100", authors: 1, readers: 100, perSecond, warmUp },
	{ part: "1000", authors: 1, readers: 1000, perSecond, warmUp },
];

export const readersScenario = defineScenario({
	name: "readers",
	summary: "one person types, many look on",
	targets: ["indelible", "stock", "raw"],
	moreTargets: ["stock-tuned", "y-websocket", "preframed"],
	parts: parts.map(({ part }) => part),
	explain: (settings) =>
		`One document, ${nameOfContents(settings, contentCharacters)}, in which one person types ${perSecond} characters a second and ` +
		`${parts.map(({ readers }) => count(readers)).join(" or ")} look on, ${durationOf(longer(settings), warmUp)}.`,
	async measure(given) {
		const bench = { ...given, settings: longer(given.settings) };
		const contents = largeDocument(bench.settings, contentCharacters);
		const rows = [];
		for (const part of chosenParts(parts, bench.settings))
			rows.push(await measureLive(bench, part, { contents, kind: "edits" }));
		return rows;
	},
	columns: liveColumns,
	charts: liveChartsOf("Edit", cpuPerDeliveryChart),
});

function longer(settings: BenchSettings): BenchSettings {
	return { ...settings, durationS: settings.durationS ?? defaultDurationS };
}
