import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawCharts } from "./chart.ts";
import type { Environment } from "./environment.ts";
import type { Failure, Row } from "./measure.ts";
import type { Scenario } from "./scenario.ts";

/** What a run of a scenario gave, as it is kept in a file. */
export interface SavedResult extends Omit<Environment, "date"> {
	readonly scenario: string;
	/** What was done, with its numbers. */
	readonly description: string;
	readonly rows: readonly Row[];
	readonly failures: readonly Failure[];
}

/** More digits than are ever shown, fewer than are measured. */
const digits = 5;
/** JSON has neither; a figure that was not measured is `null`. */
const never = "Infinity";

/** Writes the figures to `<scenario>.json` and draws them in `<scenario>.svg`. */
export function saveResult(folder: string, scenario: Scenario, result: SavedResult): void {
	mkdirSync(folder, { recursive: true });
	const json = JSON.stringify(result, (_key, value: unknown) => writable(value), "\t");
	writeFileSync(join(folder, `${scenario.name}.json`), `${json}\n`);
	writeFileSync(join(folder, pictureOf(scenario.name)), draw(scenario, result));
}

/** @returns `undefined` when none was saved. */
export function readResult(folder: string, { name }: Scenario): SavedResult | undefined {
	const path = join(folder, `${name}.json`);
	if (!existsSync(path)) return undefined;
	return JSON.parse(readFileSync(path, "utf8"), (_key, value: unknown) => readable(value)) as SavedResult;
}

export function draw({ name, summary, charts }: Scenario, { rows }: Pick<SavedResult, "rows">): string {
	return drawCharts(`${name}: ${summary}`, charts, rows);
}

/** Name of the file. */
export function pictureOf(scenario: string): string {
	return `${scenario}.svg`;
}

function writable(value: unknown): unknown {
	if (typeof value !== "number") return value;
	if (value === Number.POSITIVE_INFINITY) return never;
	return Number.isInteger(value) ? value : Number(value.toPrecision(digits));
}

function readable(value: unknown): unknown {
	if (value === null) return Number.NaN;
	return value === never ? Number.POSITIVE_INFINITY : value;
}
