import type { NodeOverview, NodeView } from "../../../server/admin/facts.ts";
import { type Departure, Departures } from "../departures.ts";
import { h, keyedList, type Row, setText } from "../dom.ts";
import { bytes, compact, percent, plural, span, whole } from "../format.ts";
import { type History, lastOf } from "../history.ts";
import { isDrained, nodeName } from "./node-name.ts";

/** A node with its newest figures. */
interface ShownNode {
	readonly view: NodeView;
	readonly memoryBytes: number | null;
	readonly cpuShare: number | null;
	readonly editsPerS: number | null;
}

const phases = { serving: "Ready", draining: "Draining", closed: "Closed" } as const;

const heardOnly =
	"It is heard through Redis and tells nothing of itself: it has no admin token, or is of an earlier edition.";
const silent = "It has not answered for some seconds: it has died, or is cut off, or is far too busy.";

/** The nodes that share a Redis, or the one there is. */
export class NodesView {
	readonly element: HTMLElement;
	readonly #list = h("ul", { class: "node-list" });
	readonly #gone = h("ul", { class: "node-list" });
	readonly #departures = new Departures();
	readonly #show: (nodes: readonly ShownNode[]) => void;
	readonly #showGone = keyedList<Departure>(this.#gone, ({ overview }) => overview.id, goneRow);

	constructor(onDrain: (overview: NodeOverview) => void) {
		this.#show = keyedList(
			this.#list,
			({ view }) => view.id,
			() => nodeRow(onDrain),
		);
		this.element = h(
			"section",
			{ class: "card", "aria-labelledby": "nodes-title" },
			h("header", { class: "card-head" }, h("h2", { id: "nodes-title" }, "Nodes")),
			this.#list,
			this.#gone,
		);
	}

	show(views: readonly NodeView[], history: History): void {
		this.#show(
			views.map((view) => ({
				view,
				memoryBytes: lastOf(history.column("memoryBytes", "sum", view.id)),
				cpuShare: lastOf(history.column("cpuShare", "sum", view.id)),
				editsPerS: lastOf(history.column("editsPerS", "sum", view.id)),
			})),
		);
		// Before the first event nobody is gone.
		if (views.length > 0) this.#showGone(this.#departures.take(views, Date.now()));
	}
}

function nodeRow(onDrain: (overview: NodeOverview) => void): Row<ShownNode> {
	let shown: NodeOverview | undefined;
	const name = h("strong", { class: "ellipsis" });
	const badge = h("span", { class: "badge" });
	const here = h("span", { class: "faint here" });
	const meter = h("span", { class: "meter-fill" });
	const bar = h("div", { class: "meter", "aria-hidden": "true" }, meter);
	const facts = h("p", { class: "node-facts" });
	const about = h("p", { class: "node-facts faint" });
	const drain = h(
		"button",
		{ class: "button small", type: "button", onclick: () => shown !== undefined && onDrain(shown) },
		"Drain",
	);
	return {
		element: h(
			"li",
			{ class: "node" },
			h("div", { class: "node-head" }, name, badge, here, h("span", { class: "spring" }), drain),
			bar,
			facts,
			about,
		),
		update({ view, memoryBytes, cpuShare, editsPerS }) {
			const { overview } = view;
			drain.disabled = overview?.phase !== "serving";
			drain.hidden = overview === null;
			bar.hidden = overview === null;
			setText(here, view.isHere ? "this one" : "");
			if (overview === null) {
				const isKnown = shown !== undefined;
				if (!isKnown) setText(name, view.id.replace(/^indelible:/, ""));
				show(badge, isKnown ? "Silent" : "Heard", isKnown ? "not-ready" : "connecting");
				setText(facts, isKnown ? silent : heardOnly);
				setText(about, "");
				return;
			}
			shown = overview;
			setText(name, nodeName(overview));
			drain.setAttribute("aria-label", `Drain ${nodeName(overview)}`);
			const isWell = overview.ready && overview.degraded.length === 0;
			if (isDrained(overview)) show(badge, "Drained", "draining");
			else if (overview.phase !== "serving") show(badge, phases[overview.phase], "draining");
			else if (isWell) show(badge, phases.serving, "ready");
			else show(badge, overview.ready ? "Degraded" : "Not ready", overview.ready ? "degraded" : "not-ready");
			const share = Math.min(1, overview.connections / Math.max(1, overview.connectionsMax));
			meter.style.width = `${Math.max(share * 100, overview.connections > 0 ? 1 : 0)}%`;
			setText(
				facts,
				[
					`${whole(overview.connections)} of ${compact(overview.connectionsMax)} connections`,
					plural(overview.documents, "document"),
					`${compact(editsPerS ?? 0)} edits/s`,
				]
					.map(unbroken)
					.join(" · "),
			);
			setText(
				about,
				[
					memoryBytes === null ? "" : bytes(memoryBytes),
					cpuShare === null ? "" : `${percent(cpuShare)} of a core`,
					`up ${span(Date.now() - overview.startedMs)}`,
					`version ${overview.version}`,
				]
					.filter((text) => text !== "")
					.map(unbroken)
					.join(" · "),
			);
			about.title = `Documents are in ${overview.store}`;
		},
	};
}

/** On a narrow screen, lines end between facts. */
function unbroken(text: string): string {
	return text.replaceAll(" ", "\u00a0");
}

function goneRow({ overview, atMs }: Departure): Row<Departure> {
	const facts = h("p", { class: "node-facts faint" });
	const had = overview.connections === 0 ? "" : `; it had ${plural(overview.connections, "connection")}`;
	return {
		element: h(
			"li",
			{ class: "node" },
			h(
				"div",
				{ class: "node-head" },
				h("strong", { class: "ellipsis" }, nodeName(overview)),
				h("span", { class: `badge ${isDrained(overview) ? "connecting" : "not-ready"}` }, "Gone"),
			),
			facts,
		),
		update: () => setText(facts, `Not heard for ${span(Date.now() - atMs)}${had}.`),
	};
}

function show(badge: HTMLElement, text: string, kind: string): void {
	badge.className = `badge ${kind}`;
	setText(badge, text);
}
