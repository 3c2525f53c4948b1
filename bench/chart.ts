import { barClassOf, styleFor } from "./chart-colors.ts";
import type { Figures } from "./scenario.ts";
import { brokenInto, escapeXml, rounded, text, widthPxOf } from "./svg.ts";

/** One figure of all targets as bars, one below the other; the shorter the better. */
export interface Chart<F extends Figures> {
	/** What is measured, and of what. */
	readonly title: string;
	/** @returns `NaN` when it was not measured; without end, when it never came. */
	value(row: F): number;
	/** The figure, for people. */
	text(value: number): string;
	/** Bars of charts that name the same have the same scale. */
	readonly scale?: string;
	/** A bar of full length stands for that at least, so that next to nothing looks like it. */
	readonly fullMin?: number;
}

/** What is worth a picture in a scenario. */
export interface Charts<F extends Figures> {
	/** Side by side. */
	readonly of: readonly Chart<F>[];
	/** What a part of the scenario is, for people; its name by default. */
	partTitle?(row: F): string;
	/** What has to be known so that nobody is misled. */
	readonly note?: string;
}

type Row = Figures & { readonly target: string };

/** What is shown of a figure. */
type Cell =
	| { readonly kind: "bar"; readonly value: number; readonly said: string }
	| { readonly kind: "nothing" }
	/** It was not measured. */
	| { readonly kind: "none" }
	/** It never came, or the server could not do the work. */
	| { readonly kind: "bad"; readonly said: string };

const widthPx = 880;
const marginPx = 20;
const gapPx = 16;
const linePx = 23;
const barPx = 15;
/** From the top of a bar to where letters stand. */
const baselinePx = 12;
const titleLinePx = 18;
const partPx = 32;
const notePx = 12;
const noteLinePx = 17;

/**
 * All charts of a scenario in one picture: targets below each other, figures beside each other. A figure's bars have a scale of their own in each part,
 * since the parts are not the same work.
 */
export function drawCharts(name: string, charts: Charts<Row>, rows: readonly Row[]): string {
	const columns = charts.of.filter((chart) => rows.some((row) => !Number.isNaN(chart.value(row))));
	const labelsPx = marginPx + Math.max(...rows.map(({ target }) => widthPxOf(target))) + gapPx;
	const columnPx = (widthPx - marginPx - labelsPx) / columns.length;
	const leftOf = (column: number) => labelsPx + column * columnPx;
	const shapes: string[] = [];

	const titles = columns.map(({ title }) => brokenInto(title, columnPx - gapPx));
	for (const [column, lines] of titles.entries())
		for (const [n, said] of lines.entries())
			shapes.push(
				text({
					xPx: leftOf(column),
					yPx: marginPx + baselinePx + n * titleLinePx,
					said,
					kind: "title",
				}),
			);
	let topPx = marginPx + Math.max(...titles.map(({ length }) => length)) * titleLinePx + 10;

	const parts = [...Map.groupBy(rows, ({ part }) => part).values()];
	for (const some of parts) {
		const [first] = some;
		const part = first && (charts.partTitle?.(first) ?? first.part);
		if (part !== undefined) {
			shapes.push(`<path class="rule" d="M${marginPx} ${topPx}H${widthPx - marginPx}"/>`);
			shapes.push(text({ xPx: marginPx, yPx: topPx + 21, said: String(part), kind: "part" }));
			topPx += partPx;
		}
		for (const [n, { target: said }] of some.entries())
			shapes.push(
				text({ xPx: labelsPx - gapPx / 2, yPx: topPx + n * linePx + baselinePx, said, kind: "label" }),
			);
		for (const [column, chart] of columns.entries()) {
			const longest = longestOf(
				columns.filter((other) => isSameScale(chart, other)),
				some,
			);
			const cells = some.map((row) => cellOf(chart, row, column === 0));
			const room = { xPx: leftOf(column), topPx, widthPx: columnPx - gapPx };
			shapes.push(...drawBars(some, cells, longest, room));
		}
		topPx += some.length * linePx + 8;
	}
	for (const said of notesOf(charts, rows, parts.length)) {
		topPx += noteLinePx;
		shapes.push(text({ xPx: marginPx, yPx: topPx, said, kind: "note" }));
	}
	const heightPx = topPx + marginPx;
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${widthPx} ${heightPx}" width="${widthPx}" height="${heightPx}" role="img" aria-label="${escapeXml(name)}">
<style>${styleFor(rows.map(({ target }) => target))}</style>
<rect class="paper" x="0.5" y="0.5" width="${widthPx - 1}" height="${heightPx - 1}" rx="6"/>
${shapes.join("\n")}
</svg>
`;
}

interface Room {
	readonly xPx: number;
	readonly topPx: number;
	/** For a bar and the figure behind it. */
	readonly widthPx: number;
}

/** @param longest What a bar of full length stands for. */
function drawBars(
	rows: readonly Row[],
	cells: readonly Cell[],
	longest: number,
	{ xPx, topPx, widthPx: roomPx }: Room,
): readonly string[] {
	const figuresPx = Math.max(...cells.map((cell) => (cell.kind === "bar" ? widthPxOf(cell.said) : 0)));
	const bars = cells.flatMap((cell, n) => {
		const yPx = topPx + n * linePx;
		const say = (afterPx: number, said: string, kind?: string) =>
			text({ xPx: xPx + afterPx + 6, yPx: yPx + baselinePx, said, kind });
		if (cell.kind === "nothing") return [];
		if (cell.kind === "none") return [say(0, "–", "none")];
		if (cell.kind === "bad") return [say(0, cell.said, "bad")];
		const lengthPx = rounded((Math.max(0, cell.value) / longest) * (roomPx - figuresPx - 6));
		if (lengthPx === 0) return [say(0, cell.said)];
		const kind = barClassOf(rows[n]?.target ?? "");
		return [
			`<rect class="${kind}" x="${rounded(xPx)}" y="${yPx}" width="${lengthPx}" height="${barPx}"/>`,
			say(lengthPx, cell.said),
		];
	});
	const axis = `<path class="axis" d="M${rounded(xPx)} ${topPx - 4}v${rows.length * linePx}"/>`;
	return [...bars, axis];
}

/** @param saysWhy Once in a row is enough. */
function cellOf(chart: Chart<Row>, row: Row, saysWhy: boolean): Cell {
	// What was measured of a server that fell behind is not the work that the others did.
	if (fellBehind(row)) return saysWhy ? { kind: "bad", said: "falls behind" } : { kind: "nothing" };
	const value = chart.value(row);
	if (Number.isNaN(value)) return { kind: "none" };
	if (!Number.isFinite(value)) return { kind: "bad", said: chart.text(value) };
	return { kind: "bar", value, said: chart.text(value) + (generatorWasLimit(row) ? " *" : "") };
}

function longestOf(charts: readonly Chart<Row>[], rows: readonly Row[]): number {
	const kept = rows.filter((row) => !fellBehind(row));
	const values = charts.flatMap((chart) => kept.map((row) => chart.value(row)));
	const leasts = charts.map(({ fullMin = Number.MIN_VALUE }) => fullMin);
	return Math.max(...values.filter(Number.isFinite), ...leasts);
}

function isSameScale(chart: Chart<Row>, other: Chart<Row>): boolean {
	return chart === other || (chart.scale !== undefined && chart.scale === other.scale);
}

function notesOf({ of, note }: Charts<Row>, rows: readonly Row[], parts: number): readonly string[] {
	const kept = rows.filter((row) => !fellBehind(row));
	const notes = [`Shorter is better.${parts > 1 ? " Each group of bars has a scale of its own." : ""}`];
	if (note !== undefined) notes.push(note);
	if (kept.some(generatorWasLimit))
		notes.push("* What made the load had no more to give: the server may do better.");
	if (kept.some((row) => of.some((chart) => Number.isNaN(chart.value(row)))))
		notes.push("– was not measured.");
	return brokenInto(notes.join(" "), widthPx - 2 * marginPx, notePx);
}

function fellBehind(row: Row): boolean {
	return row.fellBehind === 1;
}

function generatorWasLimit(row: Row): boolean {
	return row.generatorWasLimit === 1;
}
