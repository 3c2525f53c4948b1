import type { ClusterDocumentList, ClusterDocumentRow, DocumentSort } from "../../../server/admin/facts.ts";
import { addressOf } from "../address.ts";
import { h, keyedList, type Row, setText } from "../dom.ts";
import { ago, bytes, compact, plural, whole } from "../format.ts";
import type { ListOfDocuments } from "./documents-card.ts";

export interface DocumentsQuery {
	readonly search: string;
	readonly sort: DocumentSort;
	readonly limit: number;
}

const pageSize = 50;
const limitMax = 200;

interface Column {
	readonly name: string;
	readonly sort?: DocumentSort;
	readonly className: string;
	readonly value: (row: ClusterDocumentRow, nowMs: number) => string;
}

const columns: readonly Column[] = [
	{ name: "People", sort: "people", className: "number", value: ({ people }) => whole(people) },
	{ name: "Edits/s", sort: "edits", className: "number", value: ({ editsPerS }) => compact(editsPerS) },
	{ name: "Edits", className: "number roomy", value: ({ edits }) => compact(edits) },
	{ name: "Stored", sort: "size", className: "number wide", value: ({ storedBytes }) => bytes(storedBytes) },
	{ name: "Last edit", className: "number roomy", value: ({ lastEditMs }, nowMs) => ago(lastEditMs, nowMs) },
];

/** The documents that nodes have in memory, the first ones of them. */
export class DocumentsView implements ListOfDocuments {
	readonly element: HTMLElement;
	readonly count = h("span", { class: "count" });
	readonly searchLabel = "Search documents";
	readonly searchHint = "Search names";
	readonly #change: (query: Partial<DocumentsQuery>) => void;
	readonly #body = h("tbody", {});
	readonly #empty = h("p", { class: "empty", hidden: true });
	readonly #more = h("button", { class: "button more", type: "button", hidden: true }, "Show more");
	readonly #headers = new Map<DocumentSort, HTMLElement>();
	readonly #show = keyedList<ClusterDocumentRow>(this.#body, ({ name }) => name, documentRow);
	#query: DocumentsQuery = { search: "", sort: "people", limit: pageSize };

	/** @param onQuery Something else is to be shown. */
	constructor(onQuery: () => void) {
		const change = (query: Partial<DocumentsQuery>) => {
			this.#query = { ...this.#query, ...query };
			this.#markSort();
			onQuery();
		};
		this.#change = change;
		this.#more.addEventListener("click", () =>
			change({ limit: Math.min(limitMax, this.#query.limit + pageSize) }),
		);
		const byName = this.#sortButton("Document", "name", change);
		const heads = columns.map(({ name, sort, className }) =>
			sort === undefined
				? h("th", { scope: "col", class: className }, name)
				: this.#head(sort, className, this.#sortButton(name, sort, change)),
		);
		this.element = h(
			"div",
			{},
			h("table", {}, h("thead", {}, h("tr", {}, this.#head("name", "name", byName), ...heads)), this.#body),
			this.#empty,
			this.#more,
		);
		this.#markSort();
	}

	get query(): DocumentsQuery {
		return this.#query;
	}

	search(text: string): void {
		if (text !== this.#query.search) this.#change({ search: text, limit: pageSize });
	}

	show({ matching, matchingMin, rows }: ClusterDocumentList): void {
		this.#show(rows);
		const { search, limit } = this.#query;
		const all = matchingMin < matching ? `${whole(matchingMin)} to ${whole(matching)}` : whole(matching);
		setText(this.count, rows.length < matching ? `${whole(rows.length)} of ${all}` : all);
		this.#empty.hidden = rows.length > 0;
		setText(
			this.#empty,
			search === ""
				? "Nobody has a document open. As soon as somebody connects, it is here."
				: "No open document has this in its name. Those that nobody has open are among the stored ones.",
		);
		this.#more.hidden = rows.length >= matching || limit >= limitMax;
	}

	#head(sort: DocumentSort, className: string, button: HTMLElement): HTMLElement {
		const head = h("th", { scope: "col", class: className }, button);
		this.#headers.set(sort, head);
		return head;
	}

	#sortButton(
		name: string,
		sort: DocumentSort,
		change: (query: Partial<DocumentsQuery>) => void,
	): HTMLElement {
		return h(
			"button",
			{
				type: "button",
				class: "sort",
				title: `Sort by ${name.toLowerCase()}`,
				onclick: () => change({ sort, limit: pageSize }),
			},
			name,
		);
	}

	#markSort(): void {
		for (const [sort, head] of this.#headers)
			if (sort === this.#query.sort)
				head.setAttribute("aria-sort", sort === "name" ? "ascending" : "descending");
			else head.removeAttribute("aria-sort");
	}
}

function documentRow({ name }: ClusterDocumentRow): Row<ClusterDocumentRow> {
	const link = h("a", { href: addressOf(name), class: "ellipsis", title: name }, h("bdi", {}, name));
	const nodes = h("span", { class: "on-nodes" });
	const cells = columns.map(({ className }) => h("td", { class: className }));
	const head = h("th", { scope: "row", class: "name" }, h("span", { class: "name-line" }, link, nodes));
	return {
		element: h("tr", {}, head, ...cells),
		update(row) {
			setText(nodes, row.nodes.length > 1 ? plural(row.nodes.length, "node") : "");
			for (const [index, { value }] of columns.entries()) {
				const cell = cells[index];
				if (cell !== undefined) setText(cell, value(row, Date.now()));
			}
		},
	};
}
