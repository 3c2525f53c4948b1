import { h, setText } from "./dom.ts";
import { type Column, highestOf, lastOf, secondsShown } from "./history.ts";
import { runsOf, type Scale } from "./scale.ts";

export interface PlotSeries {
	readonly name: string;
	/** A custom property of the theme. */
	readonly color: "--accent" | "--board-kind";
}

export interface PlotOptions {
	readonly title: string;
	readonly series: readonly PlotSeries[];
	readonly format: (value: number) => string;
	/** For a highest value. */
	readonly scale: (highest: number) => Scale;
}

/** So that plots stand in line. */
const leftMin = 54;
const inset = { top: 10, right: 2, bottom: 18 } as const;
const clock = new Intl.DateTimeFormat("en", { timeStyle: "medium", hourCycle: "h23" });

/** Which second people point at, in all plots at once; `undefined` when they don't. */
let pointed: number | undefined;
const plots = new Set<Plot>();

function point(index: number | undefined): void {
	if (pointed === index) return;
	pointed = index;
	for (const plot of plots) plot.draw();
}

/** Some measures over the last five minutes. */
export class Plot {
	readonly element: HTMLElement;
	readonly #options: PlotOptions;
	readonly #canvas = h("canvas", { role: "img", tabindex: 0 });
	readonly #values: readonly HTMLElement[];
	#columns: readonly Column[] = [];
	#lastS = 0;
	/** Where the first second is, in CSS pixels. */
	#left = 0;

	constructor(options: PlotOptions) {
		this.#options = options;
		this.#values = options.series.map(() => h("span", { class: "value" }));
		const legend = options.series.map(({ name, color }, index) =>
			h("span", { class: `series series${color}` }, h("span", { class: "name" }, name), this.#values[index]),
		);
		this.element = h(
			"section",
			{ class: "plot card" },
			h("header", {}, h("h3", {}, options.title), h("div", { class: "legend" }, ...legend)),
			this.#canvas,
		);
		const move = (event: PointerEvent) => point(this.#indexAt(event.offsetX));
		this.#canvas.addEventListener("pointermove", move);
		this.#canvas.addEventListener("pointerdown", move);
		this.#canvas.addEventListener("pointerleave", () => point(undefined));
		this.#canvas.addEventListener("blur", () => point(undefined));
		this.#canvas.addEventListener("keydown", (event) => this.#key(event));
		new ResizeObserver(() => this.draw()).observe(this.#canvas);
		plots.add(this);
	}

	/** @param lastS The newest second, since 1970. */
	show(columns: readonly Column[], lastS: number): void {
		this.#columns = columns;
		this.#lastS = lastS;
		const { title, series, format } = this.#options;
		const parts = series.map(({ name }, index) => {
			const column = columns[index] ?? [];
			const last = lastOf(column);
			return `${name} ${last === null ? "none" : format(last)} now, at most ${format(highestOf(column))}`;
		});
		this.#canvas.setAttribute("aria-label", `${title} in the last five minutes: ${parts.join("; ")}`);
		this.draw();
	}

	draw(): void {
		const { clientWidth: width, clientHeight: height } = this.#canvas;
		const context = this.#canvas.getContext("2d");
		if (context === null || width === 0) return;
		const ratio = devicePixelRatio || 1;
		this.#canvas.width = Math.round(width * ratio);
		this.#canvas.height = Math.round(height * ratio);
		context.scale(ratio, ratio);
		const { scale, format } = this.#options;
		const highest = Math.max(0, ...this.#columns.map(highestOf));
		const frame = new Frame(context, { width, height, scale: scale(highest), format });
		this.#left = frame.left;
		frame.grid();
		for (const [index, { color }] of this.#options.series.entries())
			frame.line(this.#columns[index] ?? [], color, index === 0);
		this.#showValues();
		if (pointed !== undefined) frame.pointer(pointed, this.#columns, this.#options.series);
		frame.times(this.#lastS, pointed);
	}

	#showValues(): void {
		for (const [index, value] of this.#values.entries()) {
			const column = this.#columns[index] ?? [];
			const shown = pointed === undefined ? lastOf(column) : column[pointed];
			setText(value, shown === null || shown === undefined ? "–" : this.#options.format(shown));
		}
	}

	#indexAt(x: number): number {
		const share = (x - this.#left) / (this.#canvas.clientWidth - this.#left - inset.right);
		return Math.min(secondsShown - 1, Math.max(0, Math.round(share * (secondsShown - 1))));
	}

	#key(event: KeyboardEvent): void {
		const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
		if (event.key === "Escape") point(undefined);
		if (step === undefined) return;
		event.preventDefault();
		point(Math.min(secondsShown - 1, Math.max(0, (pointed ?? secondsShown - 1) + step)));
	}
}

export function redrawPlots(): void {
	for (const plot of plots) plot.draw();
}

interface FrameOptions {
	readonly width: number;
	readonly height: number;
	readonly scale: Scale;
	readonly format: (value: number) => string;
}

/** Where things are drawn, for one drawing. */
class Frame {
	readonly #context: CanvasRenderingContext2D;
	readonly #width: number;
	readonly #height: number;
	readonly #scale: Scale;
	readonly #format: (value: number) => string;
	/** Where the first second is; what the lines mean is before it. */
	readonly left: number;
	readonly #style = getComputedStyle(document.documentElement);

	constructor(context: CanvasRenderingContext2D, { width, height, scale, format }: FrameOptions) {
		this.#context = context;
		this.#width = width;
		this.#height = height;
		this.#scale = scale;
		this.#format = format;
		context.font = `11px ${this.#color("--font")}`;
		const widest = Math.max(...scale.lines.map((value) => context.measureText(format(value)).width));
		this.left = Math.max(leftMin, Math.ceil(widest) + 8);
		context.lineJoin = "round";
	}

	grid(): void {
		const context = this.#context;
		context.lineWidth = 1;
		context.textAlign = "right";
		context.textBaseline = "middle";
		context.fillStyle = this.#color("--faint");
		for (const value of [0, ...this.#scale.lines]) {
			const y = Math.round(this.#y(value)) + 0.5;
			context.strokeStyle = this.#color(value === 0 ? "--line-strong" : "--line");
			context.beginPath();
			context.moveTo(this.left, y);
			context.lineTo(this.#width, y);
			context.stroke();
			if (value === 0) continue;
			context.fillText(this.#format(value), this.left - 7, y);
		}
	}

	line(column: Column, color: string, isFilled: boolean): void {
		const context = this.#context;
		const paint = this.#color(color);
		for (const run of runsOf(column)) {
			const [first = 0, last = first] = [run[0], run.at(-1)];
			context.beginPath();
			for (const index of run) context.lineTo(this.#x(index), this.#y(column[index] ?? 0));
			if (run.length === 1) {
				context.arc(this.#x(first), this.#y(column[first] ?? 0), 1.5, 0, 2 * Math.PI);
				context.fillStyle = paint;
				context.fill();
				continue;
			}
			context.strokeStyle = paint;
			context.lineWidth = 1.6;
			context.stroke();
			if (!isFilled) continue;
			context.lineTo(this.#x(last), this.#y(0));
			context.lineTo(this.#x(first), this.#y(0));
			const shade = context.createLinearGradient(0, inset.top, 0, this.#y(0));
			shade.addColorStop(0, `color-mix(in srgb, ${paint} 26%, transparent)`);
			shade.addColorStop(1, `color-mix(in srgb, ${paint} 3%, transparent)`);
			context.fillStyle = shade;
			context.fill();
		}
	}

	pointer(index: number, columns: readonly Column[], series: readonly PlotSeries[]): void {
		const context = this.#context;
		const x = Math.round(this.#x(index)) + 0.5;
		context.strokeStyle = this.#color("--muted");
		context.lineWidth = 1;
		context.beginPath();
		context.moveTo(x, inset.top);
		context.lineTo(x, this.#y(0));
		context.stroke();
		for (const [at, { color }] of series.entries()) {
			const value = columns[at]?.[index];
			if (value === null || value === undefined) continue;
			context.beginPath();
			context.arc(x, this.#y(value), 3.5, 0, 2 * Math.PI);
			context.fillStyle = this.#color(color);
			context.fill();
			context.strokeStyle = this.#color("--raised");
			context.lineWidth = 1.5;
			context.stroke();
		}
	}

	times(lastS: number, index: number | undefined): void {
		const context = this.#context;
		context.textBaseline = "bottom";
		context.fillStyle = this.#color("--faint");
		if (index === undefined) {
			context.textAlign = "left";
			context.fillText("5 min ago", this.left, this.#height);
			context.textAlign = "right";
			context.fillText("now", this.#width - inset.right, this.#height);
		} else {
			const time = clock.format((lastS - secondsShown + 1 + index) * 1_000);
			const half = context.measureText(time).width / 2;
			context.textAlign = "center";
			context.fillStyle = this.#color("--text");
			const x = Math.min(this.#width - half, Math.max(this.left + half, this.#x(index)));
			context.fillText(time, x, this.#height);
		}
	}

	#x(index: number): number {
		const width = this.#width - this.left - inset.right;
		return this.left + (index / (secondsShown - 1)) * width;
	}

	#y(value: number): number {
		const bottom = this.#height - inset.bottom;
		return bottom - this.#scale.share(value) * (bottom - inset.top);
	}

	#color(name: string): string {
		return this.#style.getPropertyValue(name);
	}
}
