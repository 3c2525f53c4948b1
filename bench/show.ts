import type { Figures } from "./scenario.ts";

/** Figures for people. `NaN`, which stands for "not measured", is a dash. */

export function count(value: number): string {
	return Number.isNaN(value) ? "-" : Math.round(value).toLocaleString("en");
}

export function bytes(value: number): string {
	if (Number.isNaN(value)) return "-";
	if (value < 0) return `-${bytes(-value)}`;
	if (value < 10_000) return `${Math.round(value)} B`;
	return value < 10_000_000 ? `${round(value / 1000)} kB` : `${round(value / 1_000_000)} MB`;
}

export function milliseconds(value: number): string {
	return Number.isNaN(value) ? "-" : `${round(value)} ms`;
}

export function seconds(valueMs: number): string {
	return Number.isNaN(valueMs) ? "-" : `${(valueMs / 1000).toFixed(2)} s`;
}

export function microseconds(valueMs: number): string {
	if (Number.isNaN(valueMs)) return "-";
	return `${(valueMs * 1000).toFixed(valueMs < 0.001 ? 2 : valueMs < 0.1 ? 1 : 0)} µs`;
}

/** @param share 1 for all of it. */
export function percent(share: number): string {
	return Number.isNaN(share) ? "-" : `${(share * 100).toFixed(share < 0.1 || share > 0.99 ? 2 : 0)} %`;
}

export function times(value: number): string {
	return Number.isNaN(value) ? "-" : `× ${round(value)}`;
}

/** Something that is done a few times for each of something else. */
export function each(value: number): string {
	return Number.isNaN(value) ? "-" : value.toFixed(2);
}

/** A dash when nothing was committed. */
export function perCommit(value: number): string {
	return Number.isFinite(value) ? value.toFixed(1) : "-";
}

/** Three digits that count. */
function round(value: number): string {
	if (value >= 100) return String(Math.round(value));
	return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

interface LoadUse {
	readonly generatorCpuShare: number;
	readonly generatorLoopDelayP99Ms: number;
	readonly generatorWasLimit: number;
	/** Where the server has a processor of its own. */
	readonly othersCpuShare?: number;
}

/** From here on, others on the server's processor are worth a word. */
const othersShareShown = 0.05;

/** Whether what made the load had anything to spare (its share of a processor, how late it was), and whether others disturbed. */
export function generatorUse(row: LoadUse): string {
	const said = [percent(row.generatorCpuShare), milliseconds(row.generatorLoopDelayP99Ms)];
	if (row.generatorWasLimit) said.push("the generator was the limit");
	return said.join(", ") + disturbance(row.othersCpuShare ?? Number.NaN);
}

export function isDisturbed(othersCpuShare: number): boolean {
	return othersCpuShare > othersShareShown;
}

/** What to add to a cell when others took some of the server's processor. */
function disturbance(othersCpuShare: number): string {
	if (!isDisturbed(othersCpuShare)) return "";
	return `, others took ${percent(othersCpuShare)} of the server's processor`;
}

/** Rows of a part below each other; a run gives those of a target. */
export function inParts<R extends Figures>(rows: readonly R[]): readonly R[] {
	return [...Map.groupBy(rows, ({ part }) => part).values()].flat();
}

/** A table in Markdown, so that it can be pasted, with its columns aligned. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
	const widths = titles.map((title, column) =>
		Math.max(title.length, 3, ...rows.map((row) => row[column]?.length ?? 0)),
	);
	const line = (cells: readonly string[]) =>
		`| ${cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join(" | ")} |`;
	const rule = widths.map((width, n) => (n === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
	return [line(titles), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}
