import { asPerson } from "../person.ts";

/** After this long without a move, the name goes and the caret stays. */
const nameShownMs = 3_000;

/** Somebody's caret with a flag that bears the name. */
export function renderCaret(user: Record<string, unknown>): HTMLElement {
	const { id, name, color } = asPerson(user) ?? { id: "", name: "Somebody", color: "#5c5c68" };
	const caret = document.createElement("span");
	caret.className = "caret";
	caret.dataset.person = id;
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

/** Shows the name of a person who has moved once more. */
export function showNameAgain(personId: string, within: Element): void {
	for (const caret of within.querySelectorAll<HTMLElement>(".caret")) {
		if (caret.dataset.person !== personId) continue;
		for (const animation of caret.getAnimations({ subtree: true })) {
			animation.cancel();
			animation.play();
		}
	}
}
