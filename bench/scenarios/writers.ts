import { basename } from "node:path";
import { largeDocument, nameOfContents } from "../contents.ts";
import { isEditingTrace, readReplay } from "../editing-trace.ts";
import {
	cpuPerUpdateChart,
	durationOf,
	type LiveFigures,
	type LivePart,
	liveChartsOf,
	liveColumns,
	measureLive,
	updatesMaxIn,
} from "../live-load.ts";
import { type Bench, type BenchSettings, chosenParts, defineScenario } from "../scenario.ts";

const contentCharacters = 4000;

const parts: readonly LivePart[] = [
	{ part: "100x20", authors: 100, readers: 0, perSecond: 20 },
	{ part: "1000x1", authors: 1000, readers: 0, perSecond: 1 },
	{ part: "1000x3", authors: 1000, readers: 0, perSecond: 3, onRequest: true },
	{ part: "1000x5", authors: 1000, readers: 0, perSecond: 5 },
];

/** A recorded history is replayed much faster than it was typed, all authors together. */
const replayedPerSecond = 100;
const replayReaders = 100;

export const writersScenario = defineScenario({
	name: "writers",
	summary: "many people type in one document, and all see it",
	targets: ["indelible", "stock", "stock-tuned", "raw"],
	moreTargets: ["y-websocket", "preframed"],
	parts: parts.map(({ part }) => part),
	explain(settings) {
		const trace = recordedIn(settings);
		if (trace !== undefined)
			return (
				`What was really typed in ${basename(trace)}, from its beginning, by those who typed it, ${replayedPerSecond} edits a ` +
				`second, ${durationOf(settings)}, while ${replayReaders} look on.`
			);
		return (
			`One document, ${nameOfContents(settings, contentCharacters)}, in which all type, each in a place of their own, and all ` +
			`see it: people × characters a second of each, ${durationOf(settings)}.`
		);
	},
	async measure(bench) {
		const trace = recordedIn(bench.settings);
		if (trace !== undefined) return [await measureReplay(bench, trace)];
		const contents = largeDocument(bench.settings, contentCharacters);
		const rows = [];
		for (const part of chosenParts(parts, bench.settings))
			rows.push(await measureLive(bench, part, { contents, kind: "edits" }));
		return rows;
	},
	columns: liveColumns,
	charts: liveChartsOf("Edit", cpuPerUpdateChart),
});

function recordedIn({ trace }: BenchSettings): string | undefined {
	return trace !== undefined && isEditingTrace(trace) ? trace : undefined;
}

function measureReplay(bench: Bench, trace: string): Promise<LiveFigures> {
	bench.progress("reading what was typed");
	const replay = readReplay(trace, updatesMaxIn(bench.settings, replayedPerSecond));
	const { contents, authors } = replay;
	const part = {
		part: basename(trace, ".json.gz"),
		authors,
		readers: replayReaders,
		perSecond: replayedPerSecond / authors,
	};
	return measureLive(bench, part, { contents, kind: "edits", replay });
}
