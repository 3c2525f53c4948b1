import type { Figures } from "./scenario.ts";

/** One figure of all targets as bars; the shorter the better. */
export interface Chart<F extends Figures> {
	readonly title: string;
	/** @returns `NaN` when there is nothing to show; without end, when it never came. */
	value(row: F): number;
	/** The figure, for people. */
	text(value: number): string;
}

type Row = Figures & { readonly target: string };

const widthPx = 760;
const labelPx = 170;
const valuePx = 110;
const barPx = 14;
const linePx = 22;
const titlePx = 34;
const partPx = 24;
const marginPx = 16;
/** For both ways of showing pages, as the image knows which one it is. */
const style = `
	text { font: 13px system-ui, sans-serif; fill: #1f2328 }
	.title { font-weight: 600; font-size: 15px }
	.part, .behind { fill: #59636e }
	.label { text-anchor: end }
	.ours { fill: #0a6bdc }
	.others { fill: #9aa4ae }
	@media (prefers-color-scheme: dark) {
		text { fill: #e6edf3 }
		.part, .behind { fill: #9aa4ae }
		.ours { fill: #4c9bff }
		.others { fill: #57606a }
	}`;

/**
 * All charts of a scenario in one picture: for each figure, and for each part of the scenario, a bar for each target. The bars of
 * a part have a scale of their own.
 */
export function drawCharts(name: string, charts: readonly Chart<Row>[], rows: readonly Row[]): string {
	const shapes: string[] = [];
	let topPx = marginPx;
	for (const chart of charts) {
		shapes.push(text(marginPx, topPx + 16, chart.title, "title"));
		topPx += titlePx;
		for (const [part, some] of Map.groupBy(rows, (row) => row.part)) {
			if (part !== undefined) {
				shapes.push(text(marginPx, topPx + 10, String(part), "part"));
				topPx += partPx;
			}
			shapes.push(...drawBars(chart, some, topPx));
			topPx += some.length * linePx + marginPx / 2;
		}
		topPx += marginPx / 2;
	}
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${widthPx} ${topPx}" width="${widthPx}" height="${topPx}" role="img" aria-label="${escapeXml(name)}">
<style>${style}
</style>
${shapes.join("\n")}
</svg>
`;
}

function drawBars(chart: Chart<Row>, rows: readonly Row[], topPx: number): readonly string[] {
	const kept = rows.filter((row) => !fellBehind(row));
	const longest = Math.max(...kept.map((row) => chart.value(row)).filter(Number.isFinite), Number.MIN_VALUE);
	const roomPx = widthPx - labelPx - valuePx - marginPx;
	return rows.flatMap((row, n) => {
		const yPx = topPx + n * linePx;
		const label = text(labelPx - 8, yPx + 11, row.target, "label");
		const value = chart.value(row);
		if (fellBehind(row)) return [label, text(labelPx, yPx + 11, "falls behind", "behind")];
		if (Number.isNaN(value)) return [label, text(labelPx, yPx + 11, "–", "behind")];
		if (!Number.isFinite(value)) return [label, text(labelPx, yPx + 11, chart.text(value), "behind")];
		const lengthPx = Math.max(1, Math.round((value / longest) * roomPx));
		const kind = row.target === "Indelible" ? "ours" : "others";
		return [
			label,
			`<rect class="${kind}" x="${labelPx}" y="${yPx}" width="${lengthPx}" height="${barPx}" rx="2"/>`,
			text(labelPx + lengthPx + 6, yPx + 11, chart.text(value)),
		];
	});
}

/** What was measured of a server that fell behind is not the work that the others did. */
function fellBehind(row: Row): boolean {
	return row.fellBehind === 1;
}

function text(xPx: number, yPx: number, said: string, kind?: string): string {
	const attribute = kind === undefined ? "" : ` class="${kind}"`;
	return `<text x="${xPx}" y="${yPx}"${attribute}>${escapeXml(said)}</text>`;
}

function escapeXml(said: string): string {
	return said.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
