import type { SampleField } from "../../../server/admin/sample-fields.ts";
import { h } from "../dom.ts";
import { bytes, compact, milliseconds, percent } from "../format.ts";
import type { History, Joining } from "../history.ts";
import { Plot, type PlotOptions } from "../plot.ts";
import { linear, logarithmic, roundUp, roundUpBytes, type Scale } from "../scale.ts";

interface PlotSource extends PlotOptions {
	readonly fields: readonly (readonly [field: SampleField, joining: Joining])[];
}

const first = "--accent" as const;
const second = "--board-kind" as const;

/** At least so high, so that noise is not drawn as mountains. */
const above =
	(least: number) =>
	(highest: number): Scale =>
		linear(roundUp(Math.max(least, highest)));
const bytesAbove =
	(least: number) =>
	(highest: number): Scale =>
		linear(roundUpBytes(Math.max(least, highest)));

/** A latency of several nodes is that of the worst one. */
const sources: readonly PlotSource[] = [
	{
		title: "Edits",
		series: [{ name: "received", color: first }],
		format: (value) => `${compact(value)}/s`,
		scale: above(4),
		fields: [["editsPerS", "sum"]],
	},
	{
		title: "Deliveries",
		series: [{ name: "sent on", color: first }],
		format: (value) => `${compact(value)}/s`,
		scale: above(4),
		fields: [["deliveriesPerS", "sum"]],
	},
	{
		title: "From an edit to saved",
		series: [
			{ name: "median", color: first },
			{ name: "99 %", color: second },
		],
		format: milliseconds,
		scale: logarithmic,
		fields: [
			["savedP50Ms", "max"],
			["savedP99Ms", "max"],
		],
	},
	{
		title: "From an edit to the others",
		series: [
			{ name: "median", color: first },
			{ name: "99 %", color: second },
		],
		format: milliseconds,
		scale: logarithmic,
		fields: [
			["sentP50Ms", "max"],
			["sentP99Ms", "max"],
		],
	},
	{
		title: "Not saved yet",
		series: [{ name: "backlog", color: first }],
		format: bytes,
		scale: bytesAbove(1_000),
		fields: [["backlogBytes", "sum"]],
	},
	{
		title: "Event loop late by",
		series: [{ name: "delay", color: first }],
		format: milliseconds,
		scale: above(20),
		fields: [["loopDelayMs", "max"]],
	},
	{
		title: "Memory",
		series: [{ name: "resident", color: first }],
		format: bytes,
		scale: bytesAbove(64 * 1024 * 1024),
		fields: [["memoryBytes", "sum"]],
	},
	{
		title: "Processor",
		series: [{ name: "of a core", color: first }],
		format: percent,
		scale: above(0.1),
		fields: [["cpuShare", "sum"]],
	},
];

/** All measures over time. */
export class PlotsView {
	readonly element: HTMLElement;
	readonly #plots = sources.map((source) => ({ source, plot: new Plot(source) }));

	constructor() {
		const plots = this.#plots.map(({ plot }) => plot.element);
		this.element = h("div", { class: "plots" }, ...plots);
	}

	/** @param only The node that is shown; all of them otherwise. */
	show(history: History, only: string | undefined): void {
		for (const { source, plot } of this.#plots) {
			const columns = source.fields.map(([field, joining]) => history.column(field, joining, only));
			plot.show(columns, history.lastS);
		}
	}
}
