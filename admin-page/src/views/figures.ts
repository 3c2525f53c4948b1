import type { NodeOverview } from "../../../server/admin/facts.ts";
import { h, setText } from "../dom.ts";
import { compact, milliseconds, whole } from "../format.ts";
import { type Column, type History, lastOf } from "../history.ts";

/** The last one of some seconds that had any: people don't type every second. */
const recentS = 10;

function recent(column: Column): number | null {
	return column.slice(-recentS).findLast((value) => value !== null) ?? null;
}

interface Figure {
	readonly element: HTMLElement;
	show(value: string, note: string): void;
}

function figure(title: string): Figure {
	const value = h("strong", { class: "figure-value" }, "–");
	const note = h("span", { class: "figure-note" });
	return {
		element: h("div", { class: "figure card" }, h("span", { class: "figure-title" }, title), value, note),
		show: (text, explanation) => {
			setText(value, text);
			setText(note, explanation);
		},
	};
}

/** What there is to know at a glance. */
export class FiguresView {
	readonly element: HTMLElement;
	readonly #people = figure("People");
	readonly #documents = figure("Documents open");
	readonly #edits = figure("Edits a second");
	readonly #saved = figure("Saved within");

	constructor() {
		const figures = [this.#people, this.#documents, this.#edits, this.#saved];
		this.element = h("section", { class: "figures", "aria-label": "At a glance" });
		this.element.append(...figures.map(({ element }) => element));
	}

	show(overviews: readonly NodeOverview[], history: History, only: string | undefined): void {
		const sum = (field: "connections" | "connectionsMax" | "documents" | "backlogUpdates") =>
			overviews.reduce((total, overview) => total + overview[field], 0);
		this.#people.show(whole(sum("connections")), `of ${compact(sum("connectionsMax"))} connections`);
		const isShared = overviews.length > 1;
		this.#documents.show(whole(sum("documents")), isShared ? "counted on each node" : "in memory");
		const edits = lastOf(history.column("editsPerS", "sum", only));
		const deliveries = lastOf(history.column("deliveriesPerS", "sum", only));
		this.#edits.show(edits === null ? "–" : compact(edits), `${compact(deliveries ?? 0)} deliveries/s`);
		const saved = recent(history.column("savedP99Ms", "max", only));
		const waiting = sum("backlogUpdates");
		this.#saved.show(
			saved === null ? "–" : milliseconds(saved),
			`99 % · ${waiting === 0 ? "none" : whole(waiting)} waiting`,
		);
	}
}
