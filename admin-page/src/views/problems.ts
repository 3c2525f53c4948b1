import type { NodeOverview } from "../../../server/admin/facts.ts";
import { h, keyedList, setText } from "../dom.ts";
import type { LiveState } from "../live.ts";
import { isDrained, nodeName } from "./node-name.ts";

interface Problem {
	readonly text: string;
	readonly kind: "bad" | "busy";
}

const drained =
	"Drained: nobody is connected, and everything is saved. It serves nobody until it is restarted.";

/** What is not as it should be, in sentences. */
export class ProblemsView {
	readonly element = h("ul", { class: "problems", "aria-label": "Problems" });
	readonly #list = keyedList<Problem>(
		this.element,
		({ text }) => text,
		({ text, kind }) => {
			const sentence = h("span", {});
			return {
				element: h("li", { class: `problem-line ${kind}` }, sentence),
				update: () => setText(sentence, text),
			};
		},
	);

	show(state: LiveState, overviews: readonly NodeOverview[]): void {
		const lost: Problem[] =
			state.status === "lost"
				? [{ text: `${state.why} What you see is what it said last; trying again.`, kind: "bad" }]
				: [];
		const isShared = overviews.length > 1;
		const ofNodes = overviews.flatMap((overview): Problem[] => {
			const who = isShared ? `${nodeName(overview)}: ` : "";
			if (isDrained(overview)) return [{ text: who + drained, kind: "busy" }];
			return [
				...overview.reasons.map((text) => ({ text: who + sentence(text), kind: kindOf(overview) })),
				...overview.degraded.map((text) => ({ text: who + sentence(text), kind: "busy" as const })),
			];
		});
		const problems = [...lost, ...ofNodes];
		this.#list(
			problems.filter(({ text }, index) => problems.findIndex((one) => one.text === text) === index),
		);
		this.element.hidden = problems.length === 0;
	}
}

/** That it drains is somebody's wish. */
function kindOf({ phase }: NodeOverview): Problem["kind"] {
	return phase === "serving" ? "bad" : "busy";
}

function sentence(text: string): string {
	return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}
