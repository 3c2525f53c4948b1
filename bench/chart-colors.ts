import { type TargetName, targetNames, targets } from "./target-process.ts";

interface Color {
	/** On white, and on nearly black. */
	readonly light: string;
	readonly dark: string;
}

/** Each target has the same color in all pictures: ours blue, stock's orange, what has no documents gray. */
const colors: Readonly<Record<TargetName, Color>> = {
	indelible: { light: "#0969da", dark: "#4493f8" },
	"indelible-delayed": { light: "#54aeff", dark: "#9ccbff" },
	stock: { light: "#bc4c00", dark: "#e0823d" },
	"stock-tuned": { light: "#e7a15c", dark: "#a86a35" },
	"y-websocket": { light: "#8250df", dark: "#ab7df8" },
	raw: { light: "#59636e", dark: "#9198a1" },
	preframed: { light: "#a8b1bb", dark: "#6a737d" },
	relay: { light: "#7d8590", dark: "#7d8590" },
};

/** @param target As it is shown. @returns The class of its bars. */
export function barClassOf(target: string): string {
	return `bar-${targetNames.find((name) => targets[name] === target) ?? "other"}`;
}

/**
 * The looks of a picture, in both ways of showing pages. It has a background of its own: a page may be dark where the system, which is what an image
 * asks, is not.
 */
export function styleFor(shown: readonly string[]): string {
	const used = targetNames.filter((name) => shown.includes(targets[name]));
	const bars = (shade: keyof Color) =>
		used.map((name) => `.bar-${name} { fill: ${colors[name][shade]} }`).join(" ");
	return `
	text { font: 13px -apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; fill: #1f2328 }
	.title, .part { font-weight: 600 }
	.label { text-anchor: end }
	.none, .note { fill: #59636e }
	.note { font-size: 12px }
	.bad { fill: #cf222e; font-weight: 600 }
	.paper { fill: #ffffff; stroke: #d1d9e0 }
	.rule, .axis { stroke: #d1d9e0; fill: none }
	${bars("light")}
	@media (prefers-color-scheme: dark) {
		text { fill: #f0f6fc }
		.none, .note { fill: #9198a1 }
		.bad { fill: #ff7b72 }
		.paper { fill: #0d1117; stroke: #3d444d }
		.rule, .axis { stroke: #3d444d }
		${bars("dark")}
	}
`;
}
