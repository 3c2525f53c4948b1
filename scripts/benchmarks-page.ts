import { fileURLToPath } from "node:url";
import type { Row } from "../bench/measure.ts";
import { draw, pictureOf, readResult, type SavedResult } from "../bench/saved-result.ts";
import type { Scenario } from "../bench/scenario.ts";
import { scenarios } from "../bench/scenarios/index.ts";
import { inParts, isDisturbed, percent, table } from "../bench/show.ts";
import { firstSummary, summarizedScenarios, summary } from "./benchmark-summary.ts";

/** What was measured, one file for each scenario. */
export const resultsFolder = fileURLToPath(new URL("../docs/benchmarks", import.meta.url));
/** They have tables of figures between marks: `<!-- bench: readers -->` and `<!-- end of bench -->`. */
export const pagesWithFigures = ["README.md", "docs/benchmarks.md"].map((path) =>
	fileURLToPath(new URL(`../${path}`, import.meta.url)),
);

/** @param folder Where runs were saved. */
export function readResults(folder = resultsFolder): ReadonlyMap<string, SavedResult> {
	const results = new Map<string, SavedResult>();
	for (const scenario of scenarios) {
		const result = readResult(folder, scenario);
		if (result !== undefined) results.set(scenario.name, result);
	}
	return results;
}

/**
 * @param page Markdown.
 * @returns It, with what was measured between its marks. What was not saved stays as it is.
 * @throws when a mark names nothing that there is.
 */
export function withFigures(page: string, results: ReadonlyMap<string, SavedResult>): string {
	return page.replaceAll(
		/(<!-- bench: (\S+) -->\n)([\s\S]*?)(<!-- end of bench -->)/g,
		(_all, begin: string, name: string, old: string, end: string) => {
			const figures = figuresFor(name, results);
			return begin + (figures === undefined ? old : `\n${figures}\n\n`) + end;
		},
	);
}

/** @returns Pictures of what was measured, by the names of their files. */
export function pictures(results: ReadonlyMap<string, SavedResult>): ReadonlyMap<string, string> {
	return new Map(
		[...results].map(([name, result]) => [pictureOf(name), draw(scenarioNamed(name), result)] as const),
	);
}

/** @returns `undefined` when something that belongs there was not saved. */
function figuresFor(name: string, results: ReadonlyMap<string, SavedResult>): string | undefined {
	if (name === "machine") return results.size === 0 ? undefined : machinesIn(results);
	if (name === "summary" || name === "first-summary") {
		if (!summarizedScenarios.every((scenario) => results.has(scenario))) return undefined;
		return name === "summary" ? summary(results) : firstSummary(results);
	}
	const scenario = scenarioNamed(name);
	const result = results.get(name);
	return result && section(scenario, result);
}

function section(scenario: Scenario, result: SavedResult): string {
	const { name, summary: what, columns } = scenario;
	const { description, command, commit, failures } = result;
	const asides = columns.filter(({ aside }) => aside);
	const more = asides.map(({ title }) => title.trim()).join(", ");
	const paragraphs = [
		description,
		`![${what[0]?.toUpperCase()}${what.slice(1)}](benchmarks/${pictureOf(name)})`,
		tableOf(
			result,
			columns.filter(({ aside }) => !aside),
		),
		...notesOn(result),
		...failures.map(({ target, why }) => `**${target} could not be measured**: ${why}`),
		`<details><summary>More: ${more}</summary>\n\n${tableOf(result, asides)}\n\n</details>`,
		`\`${command}\`, commit ${commit}; [all figures](benchmarks/${name}.json).`,
	];
	return paragraphs.filter((text) => asides.length > 0 || !text.startsWith("<details>")).join("\n\n");
}

function tableOf({ scenario, rows }: SavedResult, columns: Scenario["columns"]): string {
	// In what everybody sees, a column says it.
	const hasParts = columns.every(({ aside }) => aside) && new Set(rows.map(({ part }) => part)).size > 1;
	const titles = [scenario, ...(hasParts ? ["part"] : []), ...columns.map(({ title }) => title.trim())];
	const cells = inParts(rows).map((row) => [
		row.target + marksOn(row),
		...(hasParts ? [String(row.part)] : []),
		...columns.map(({ cell }) => cell(row, rows)),
	]);
	return table(titles, cells);
}

const limitMark = "\\*";
const othersMark = "†";

function marksOn(row: Row): string {
	return (
		(row.generatorWasLimit === 1 ? ` ${limitMark}` : "") + (othersShareOf(row) > 0 ? ` ${othersMark}` : "")
	);
}

function notesOn({ rows }: SavedResult): readonly string[] {
	const notes = [];
	if (rows.some(({ generatorWasLimit }) => generatorWasLimit === 1))
		notes.push(`${limitMark} What made the load had no more to give: the server may do better.`);
	const most = Math.max(...rows.map(othersShareOf));
	if (most > 0)
		notes.push(`${othersMark} Others took some of the server's processor, ${percent(most)} at most.`);
	return notes.length === 0 ? [] : [notes.join(" ")];
}

/** @returns 0 where it is not worth a word. */
function othersShareOf({ othersCpuShare }: Row): number {
	return typeof othersCpuShare === "number" && isDisturbed(othersCpuShare) ? othersCpuShare : 0;
}

/** What was measured where, and with what. */
function machinesIn(results: ReadonlyMap<string, SavedResult>): string {
	const groups = [...Map.groupBy(results.values(), describeMachine)];
	const [first] = groups;
	if (groups.length === 1 && first !== undefined) return first[0];
	return groups
		.map(([machine, some]) => `- ${some.map(({ scenario }) => `\`${scenario}\``).join(", ")}: ${machine}`)
		.join("\n");
}

function describeMachine(result: SavedResult): string {
	const { processors, processor, memoryMib, system, fileSystem, pinned, versions } = result;
	const memory = `${Math.round(memoryMib / 1024)} GiB`;
	const where = pinned
		? "servers on the first processor; the load, and Redis, PostgreSQL and HAProxy, on the second"
		: "servers and load share all processors";
	const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
	return `${processors} × ${processor}, ${memory}, ${system}, ${fileSystem}; ${where}. ${programs.join(", ")}.`;
}

/** @throws when there is none. */
function scenarioNamed(name: string): Scenario {
	const found = scenarios.find((scenario) => scenario.name === name);
	if (found === undefined) throw new Error(`a page has a mark for "${name}", which is no scenario`);
	return found;
}
