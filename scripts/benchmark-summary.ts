import type { Row } from "../bench/measure.ts";
import type { SavedResult } from "../bench/saved-result.ts";
import { table } from "../bench/show.ts";
import { type TargetName, targets } from "../bench/target-process.ts";
import { type Highlight, highlights } from "./benchmark-highlights.ts";

/** Scenarios without which there is no summary. */
export const summarizedScenarios: readonly string[] = [
	...new Set(highlights.map(({ scenario }) => scenario)),
];

const compared = ["indelible", "stock", "raw"] as const;

/** The summary of the page of benchmarks. */
export function summary(results: ReadonlyMap<string, SavedResult>): string {
	const titles = ["", ...compared.map((target) => targets[target]), "goal", ""];
	const rows = highlights.map((highlight) => [
		highlight.what,
		...compared.map((target) => shown(highlight, results, target)),
		highlight.goal?.text ?? "",
		verdictOn(highlight, results),
	]);
	return table(titles, rows);
}

function verdictOn(highlight: Highlight, results: ReadonlyMap<string, SavedResult>): string {
	const { goal } = highlight;
	if (goal === undefined || rowOf(highlight, results, "indelible") === undefined) return "";
	const of = figuresOf(highlight, results);
	return goal.isMet(of("indelible"), of) ? "met" : "**missed**";
}

/** The few figures for those who know nothing of us yet. */
export function firstSummary(results: ReadonlyMap<string, SavedResult>): string {
	const first = highlights.filter(({ isFirst }) => isFirst);
	const titles = ["measured beside the stock server", "Indelible", "`@hocuspocus/server`, SQLite"];
	return table(
		titles,
		first.map((highlight) => [
			highlight.what,
			shown(highlight, results, "indelible"),
			shown(highlight, results, "stock"),
		]),
	);
}

function shown(highlight: Highlight, results: ReadonlyMap<string, SavedResult>, target: TargetName): string {
	const row = rowOf(highlight, results, target);
	if (row === undefined) return "";
	return fellBehind(row) ? "falls behind" : highlight.say(numberIn(row, highlight));
}

function figuresOf(highlight: Highlight, results: ReadonlyMap<string, SavedResult>) {
	return (target: TargetName): number => {
		const row = rowOf(highlight, results, target);
		return row === undefined || fellBehind(row) ? Number.NaN : numberIn(row, highlight);
	};
}

function rowOf(
	{ scenario, part }: Highlight,
	results: ReadonlyMap<string, SavedResult>,
	target: TargetName,
): Row | undefined {
	const rows = results.get(scenario)?.rows.filter((row) => row.target === targets[target]) ?? [];
	return part === undefined ? rows[0] : rows.find((row) => row.part === part);
}

function numberIn(row: Row, { figure }: Highlight): number {
	const value = row[figure];
	if (typeof value !== "number") throw new Error(`${row.target} has no figure "${figure}"`);
	return value;
}

function fellBehind(row: Row): boolean {
	return row.fellBehind === 1;
}
