import type { ClusterConnection } from "../../../server/admin/facts.ts";
import { addressOf } from "../address.ts";
import { h, keyedList, type Row, setText } from "../dom.ts";
import { bytes } from "../format.ts";

/** Those whom most is waiting for that they have not read. */
export class SlowReadersView {
	readonly element: HTMLElement;
	readonly #list = h("ul", { class: "slow-list" });
	readonly #empty = h("p", { class: "empty" }, "Everybody reads as fast as others write.");
	readonly #show: (readers: readonly ClusterConnection[]) => void;

	constructor(onClose: (connection: ClusterConnection) => void) {
		this.#show = keyedList(
			this.#list,
			({ id }) => id,
			(reader) => slowReader(reader, onClose),
		);
		this.element = h(
			"section",
			{ class: "card", "aria-labelledby": "slow-title" },
			h("header", { class: "card-head" }, h("h2", { id: "slow-title" }, "Slowest readers")),
			this.#list,
			this.#empty,
		);
	}

	show(readers: readonly ClusterConnection[]): void {
		this.#show(readers);
		this.#empty.hidden = readers.length > 0;
		this.#list.hidden = readers.length === 0;
	}
}

function slowReader(
	{ id, document, user, node }: ClusterConnection,
	onClose: (connection: ClusterConnection) => void,
): Row<ClusterConnection> {
	let shown: ClusterConnection | undefined;
	const waiting = h("span", { class: "waiting" });
	const who = user ?? `connection ${id.slice(0, 8)}`;
	return {
		element: h(
			"li",
			{ class: "slow-reader", "data-node": node },
			h(
				"div",
				{ class: "slow-who" },
				h("span", { class: "ellipsis", title: who }, h("bdi", {}, who)),
				h("a", { class: "ellipsis faint", href: addressOf(document) }, h("bdi", {}, document)),
			),
			waiting,
			h(
				"button",
				{
					class: "button small",
					type: "button",
					"aria-label": `Close the connection of ${who}`,
					onclick: () => shown !== undefined && onClose(shown),
				},
				"Close",
			),
		),
		update(reader) {
			shown = reader;
			waiting.classList.toggle("behind", reader.isBehind);
			setText(waiting, `${bytes(reader.waitingBytes)} waiting`);
		},
	};
}
