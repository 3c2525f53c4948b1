import type {
	ClusterConnection,
	ConnectionFacts,
	DocumentFacts,
	MeasuredSize,
	NodeAnswer,
	NodeOverview,
} from "../../../server/admin/facts.ts";
import { h, icon, keyedList, type Row, setText } from "../dom.ts";
import { ago, bytes, compact, plural, span, whole } from "../format.ts";
import { isRevocable } from "./ask-revocation.ts";
import { nameOf } from "./node-name.ts";

export interface DocumentPanelOptions {
	readonly name: string;
	readonly onClose: () => void;
	readonly onUnload: () => void;
	readonly onDelete: () => void;
	readonly onMeasure: () => void;
	readonly onCloseConnection: (connection: ClusterConnection) => void;
	/** Only for somebody whose name is known. */
	readonly onRevoke: (connection: ClusterConnection) => void;
}

interface Fact {
	readonly name: string;
	readonly value: string;
	readonly note?: string;
}

/** One document's facts, beside everything else, or in its place on a narrow screen. */
export class DocumentPanel {
	readonly element: HTMLDialogElement;
	readonly #state = h("p", { class: "empty", role: "status" }, "Asking the nodes …");
	readonly #content = h("div", { class: "panel-content", hidden: true });
	readonly #elsewhere = h("div", { class: "panel-actions", hidden: true });
	readonly #failure = h("p", { class: "problem-line bad", hidden: true });
	readonly #facts: (facts: readonly Fact[]) => void;
	readonly #connections: (connections: readonly ClusterConnection[]) => void;
	readonly #count = h("span", { class: "count" });
	readonly #measure: HTMLButtonElement;
	#nodeNames: readonly NodeOverview[] = [];
	#measured: (MeasuredSize & { readonly atMs: number }) | undefined;

	constructor(options: DocumentPanelOptions) {
		const { name, onClose, onUnload, onMeasure, onDelete } = options;
		const facts = h("dl", { class: "facts" });
		const deleteButton = () => h("button", { class: "button", type: "button", onclick: onDelete }, "Delete");
		// There is no more to do about one that is nowhere in memory.
		this.#elsewhere.append(deleteButton());
		const connections = h("ul", { class: "connections" });
		this.#facts = keyedList<Fact>(facts, (fact) => fact.name, factRow);
		this.#connections = keyedList(
			connections,
			({ id }) => id,
			(connection) => connectionRow(connection, options),
		);
		this.#measure = h("button", { class: "button", type: "button", onclick: onMeasure }, "Measure exactly");
		this.#content.append(
			this.#failure,
			facts,
			h(
				"div",
				{ class: "panel-actions" },
				this.#measure,
				h("button", { class: "button", type: "button", onclick: onUnload }, "Unload"),
				h("span", { class: "spring" }),
				deleteButton(),
			),
			h("h3", { class: "panel-section" }, "Connections", this.#count),
			connections,
		);
		this.element = h(
			"dialog",
			{ class: "panel", "aria-labelledby": "panel-title" },
			h(
				"header",
				{ class: "panel-head" },
				h("h2", { id: "panel-title", tabindex: -1, autofocus: true }, h("bdi", {}, name)),
				h(
					"button",
					{
						class: "icon-button",
						type: "button",
						"aria-label": "Close",
						title: "Close",
						onclick: () => this.element.close(),
					},
					icon("m5 5 10 10M15 5 5 15"),
				),
			),
			this.#state,
			this.#elsewhere,
			this.#content,
		);
		this.element.addEventListener("close", onClose);
		this.element.addEventListener("click", (event) => {
			if (event.target === this.element) this.element.close();
		});
	}

	/** @param state In place of the facts: there are none. */
	showState(state: string): void {
		setText(this.#state, state);
		this.#state.hidden = false;
		this.#elsewhere.hidden = false;
		this.#content.hidden = true;
	}

	setMeasuring(isMeasuring: boolean): void {
		this.#measure.disabled = isMeasuring;
		setText(this.#measure, isMeasuring ? "Measuring …" : "Measure exactly");
	}

	show(answers: readonly NodeAnswer<DocumentFacts>[], overviews: readonly NodeOverview[]): void {
		this.#nodeNames = overviews;
		this.#state.hidden = true;
		this.#elsewhere.hidden = true;
		this.#content.hidden = false;
		const all = answers.map(({ answer }) => answer);
		const failure = all.find((facts) => facts.failure !== null)?.failure;
		this.#failure.hidden = failure === undefined;
		setText(this.#failure, `It can't be written: ${failure ?? ""}`);
		const measured = all.find((facts) => facts.measured !== null)?.measured ?? undefined;
		if (measured !== undefined) this.#measured = { ...measured, atMs: Date.now() };
		this.#facts(this.#factsOf(all, answers));
		const connections = answers
			.flatMap(({ node, answer }) => answer.connections.map((connection) => ({ ...connection, node })))
			.toSorted(byPerson);
		const people = sum(all, ({ people }) => people);
		setText(
			this.#count,
			connections.length < people ? `${whole(connections.length)} of ${whole(people)}` : whole(people),
		);
		this.#connections(connections);
	}

	#factsOf(all: readonly DocumentFacts[], answers: readonly NodeAnswer<DocumentFacts>[]): Fact[] {
		const most = (of: (facts: DocumentFacts) => number) => Math.max(...all.map(of));
		const waiting = sum(all, ({ waitingUpdates }) => waitingUpdates);
		const lastEditMs = most((facts) => facts.lastEditMs ?? 0);
		const direct = sum(all, (facts) => facts.direct);
		const structs = most((facts) => facts.structs);
		return [
			...this.#sizes(all),
			{
				name: "Writers",
				value: whole(most(({ writers }) => writers)),
				note: `clients ever; ${structs === 1 ? "1 struct" : `${compact(structs)} structs`}`,
			},
			{
				name: "Edits",
				value: `${compact(sum(all, ({ editsPerS }) => editsPerS))}/s`,
				note: `${compact(sum(all, ({ edits }) => edits))} since it was opened`,
			},
			{
				name: "Last edit",
				value: ago(lastEditMs === 0 ? null : lastEditMs, Date.now()),
				note: waiting === 0 ? "everything is saved" : `${plural(waiting, "edit")} not saved yet`,
			},
			{
				name: "Presence",
				value: plural(
					most(({ present }) => present),
					"cursor",
				),
				note: direct === 0 ? "as its nodes see it" : `and server code, ${plural(direct, "time")}`,
			},
			{
				name: answers.length === 1 ? "Node" : "Nodes",
				value: answers.map(({ node }) => nameOf(node, this.#nodeNames)).join(", "),
				note: all.some(({ hasPending }) => hasPending) ? "holds edits back that depend on missing ones" : "",
			},
		];
	}

	/** As measured, which is of then, or as the nodes know it, of whom each counts its own entries. */
	#sizes(all: readonly DocumentFacts[]): Fact[] {
		const most = (of: (facts: DocumentFacts) => number) => Math.max(...all.map(of));
		const measured = this.#measured;
		const snapshotBytes = measured?.snapshotBytes ?? most((facts) => facts.snapshotBytes);
		const logBytes = measured?.logBytes ?? most((facts) => facts.logBytes);
		const logUpdates = measured?.logUpdates ?? most((facts) => facts.logUpdates);
		const least = all.length > 1 && typeof measured?.logBytes !== "number" ? "≥ " : "";
		const isCompacting = all.some((facts) => facts.isCompacting);
		return [
			{
				name: "Stored",
				value: `${least}${bytes(snapshotBytes + logBytes)}`,
				note: `snapshot ${bytes(snapshotBytes)}, log ${bytes(logBytes)}`,
			},
			{
				name: "As one update",
				value: measured === undefined ? "not measured" : bytes(measured.stateBytes),
				note:
					measured === undefined
						? "what a newcomer is sent"
						: `sizes measured ${ago(measured.atMs, Date.now())}`,
			},
			{
				name: "History",
				value: `${least}${plural(logUpdates, "update")}`,
				note: isCompacting
					? "being merged into a snapshot now"
					: `since the snapshot; ${plural(
							most(({ position }) => position),
							"write",
						)} ever`,
			},
		];
	}
}

/** A connection is of the same person for as long as there is it. */
function connectionRow(
	{ id, user, node }: ClusterConnection,
	{ onCloseConnection, onRevoke }: DocumentPanelOptions,
): Row<ClusterConnection> {
	let shown: ClusterConnection | undefined;
	const who = user ?? `connection ${id.slice(0, 8)}`;
	const about = h("span", { class: "faint" });
	const waiting = h("span", { class: "waiting" });
	const action = (
		label: string,
		description: string,
		onAct: DocumentPanelOptions["onRevoke"],
	): HTMLButtonElement =>
		h(
			"button",
			{
				class: "button small",
				type: "button",
				"aria-label": `${description} ${who}`,
				onclick: () => shown !== undefined && onAct(shown),
			},
			label,
		);
	return {
		element: h(
			"li",
			{ class: "connection", "data-node": node },
			h("div", { class: "slow-who" }, h("span", { class: "ellipsis", title: who }, h("bdi", {}, who)), about),
			waiting,
			h(
				"div",
				{ class: "connection-actions" },
				isRevocable({ user }) && action("End access", "End the access of", onRevoke),
				action("Close", "Close the connection of", onCloseConnection),
			),
		),
		update: (connection) => {
			shown = connection;
			setText(about, aboutConnection(connection));
			waiting.classList.toggle("behind", connection.isBehind);
			setText(waiting, connection.waitingBytes === 0 ? "" : `${bytes(connection.waitingBytes)} waiting`);
		},
	};
}

/** Whoever is behind first; otherwise they keep their places, so that nobody moves below a pointer. */
function byPerson(one: ConnectionFacts, other: ConnectionFacts): number {
	const rank = ({ isBehind, user }: ConnectionFacts) => (isBehind ? 0 : 2) + (user === null ? 1 : 0);
	const names = (one.user ?? "").localeCompare(other.user ?? "", "en", { numeric: true });
	return rank(one) - rank(other) || names || one.id.localeCompare(other.id);
}

function aboutConnection({ sinceMs, client, readOnly, edits }: ConnectionFacts): string {
	return [
		sinceMs === null ? "" : `for ${span(Date.now() - sinceMs)}`,
		plural(edits, "edit"),
		readOnly ? "may only read" : "",
		client === null ? "" : `provider ${client}`,
	]
		.filter((text) => text !== "")
		.join(" · ");
}

function factRow({ name }: Fact): Row<Fact> {
	const value = h("dd", { class: "fact-value" });
	const note = h("dd", { class: "fact-note" });
	return {
		element: h("div", { class: "fact" }, h("dt", {}, name), value, note),
		update(fact) {
			setText(value, fact.value);
			setText(note, fact.note ?? "");
		},
	};
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
	return all.reduce((total, one) => total + of(one), 0);
}
