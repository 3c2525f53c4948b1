import { addressOf } from "../address.ts";
import type { StoredDocument, StoredPage } from "../api.ts";
import { h, keyedList, type Row, setText } from "../dom.ts";
import { bytes, whole } from "../format.ts";
import type { ListOfDocuments } from "./documents-card.ts";

export interface StoredViewOptions {
	/** @throws {Error} with a message for whoever looks. */
	readonly list: (query: { prefix: string; after: string | undefined }) => Promise<StoredPage>;
	readonly onDelete: (name: string) => void;
}

/**
 * The documents that the store has, by name, whoever has them open or not. It is asked only when somebody wants to see them, as each
 * page looks at all names there are.
 */
export class StoredView implements ListOfDocuments {
	readonly element: HTMLElement;
	readonly count = h("span", { class: "count" });
	readonly searchLabel = "Search stored documents, by how their names begin";
	readonly searchHint = "Names begin with …";
	readonly #options: StoredViewOptions;
	readonly #state = h("p", { class: "empty", role: "status" });
	readonly #body = h("tbody", {});
	readonly #more = h("button", { class: "button more", type: "button", hidden: true }, "Show more");
	readonly #show: (documents: readonly StoredDocument[]) => void;
	#prefix = "";
	#documents: readonly StoredDocument[] = [];
	/** What was asked last: an answer to anything before it is not shown any more. */
	#asked = 0;

	constructor(options: StoredViewOptions) {
		this.#options = options;
		this.#show = keyedList<StoredDocument>(
			this.#body,
			({ name }) => name,
			({ name }) => storedRow(name, options.onDelete),
		);
		this.#more.addEventListener("click", () => void this.#ask(this.#documents));
		this.element = h(
			"div",
			{ hidden: true },
			h("table", { class: "stored" }, h("thead", {}, heads()), this.#body),
			this.#state,
			this.#more,
		);
	}

	search(prefix: string): void {
		this.#prefix = prefix;
		void this.#ask([]);
	}

	/** It is not there any more. Whoever has the focus on it goes on with the next one. */
	forget(name: string): void {
		const index = this.#documents.findIndex((document) => document.name === name);
		if (index < 0) return;
		const hadFocus = this.#body.rows[index]?.contains(document.activeElement) === true;
		this.#documents = this.#documents.toSpliced(index, 1);
		this.#show(this.#documents);
		const next = this.#body.rows[Math.min(index, this.#documents.length - 1)];
		if (hadFocus) next?.querySelector("button")?.focus();
	}

	/** @param before What is shown already. */
	async #ask(before: readonly StoredDocument[]): Promise<void> {
		this.#asked += 1;
		const asked = this.#asked;
		if (before.length === 0) this.#say("Asking the store …");
		this.#more.disabled = true;
		try {
			const page = await this.#options.list({ prefix: this.#prefix, after: before.at(-1)?.name });
			if (asked === this.#asked) this.#came([...before, ...page.documents], page.next !== null);
		} catch (error) {
			if (asked === this.#asked) this.#failed(before, (error as Error).message);
		}
		this.#more.disabled = false;
	}

	#came(documents: readonly StoredDocument[], hasMore: boolean): void {
		this.#documents = documents;
		this.#show(documents);
		setText(this.count, `${whole(documents.length)}${hasMore ? " and more" : ""}`);
		this.#more.hidden = !hasMore;
		const none = this.#prefix === "" ? "Nothing is stored yet." : "No stored document's name begins so.";
		this.#say(documents.length === 0 ? none : "");
	}

	/** What is shown is of what was asked, or nothing. */
	#failed(before: readonly StoredDocument[], why: string): void {
		this.#came(before, before.length > 0);
		this.#say(why);
	}

	#say(text: string): void {
		setText(this.#state, text);
		this.#state.hidden = text === "";
	}
}

function heads(): HTMLElement {
	return h(
		"tr",
		{},
		h("th", { scope: "col" }, "Document"),
		h("th", { scope: "col", class: "number" }, "Size"),
		h("th", { scope: "col", class: "act" }, h("span", { class: "visually-hidden" }, "What to do")),
	);
}

function storedRow(name: string, onDelete: (name: string) => void): Row<StoredDocument> {
	const size = h("td", { class: "number" });
	const link = h("a", { href: addressOf(name), class: "ellipsis", title: name }, h("bdi", {}, name));
	const button = h(
		"button",
		{ class: "button small", type: "button", "aria-label": `Delete ${name}`, onclick: () => onDelete(name) },
		"Delete",
	);
	return {
		element: h(
			"tr",
			{},
			h("th", { scope: "row", class: "name" }, h("span", { class: "name-line" }, link)),
			size,
			h("td", { class: "act" }, button),
		),
		update: (document) => setText(size, bytes(document.bytes)),
	};
}
