import { asPerson } from "../person.ts";

/** After this long without a move, the name goes and the caret stays. */
const nameShownMs = 3_000;

/** Somebody's caret with a flag that bears the name. */
export function renderCaret(user: Record<string, unknown>): HTMLElement {
	const { name, color } = asPerson(user) ?? { name: "Somebody", color: "#5c5c68" };
	const caret = document.createElement("span");
	caret.className = "caret";
	caret.style.setProperty("--color", color);
	caret.setAttribute("aria-hidden", "true");
	const flag = document.createElement("span");
	flag.className = "caret-name";
	flag.textContent = name;
	flag.style.animationDelay = `${nameShownMs}ms`;
	caret.append(flag);
	return caret;
}

export function renderSelection(user: Record<string, unknown>): { class: string; style: string } {
	const { color } = asPerson(user) ?? { color: "#5c5c68" };
	return { class: "caret-selection", style: `--color: ${color}` };
}
