import { h } from "../dom.ts";

/** One of the lists of the card. */
export interface ListOfDocuments {
	readonly element: HTMLElement;
	/** How many there are. */
	readonly count: HTMLElement;
	readonly searchLabel: string;
	/** What the search looks for, in the field itself. */
	readonly searchHint: string;
	/** Called with what stands in the search, also when the list comes into view. */
	search(text: string): void;
}

const searchPauseMs = 200;
/** UTF-16 code units; a name of the stored ones may begin with as many. */
const searchLengthMax = 256;

/** Documents: those that nodes have in memory, or those that are stored. */
export class DocumentsCard {
	readonly element: HTMLElement;
	readonly #count = h("span", { class: "count-place" });
	readonly #search: HTMLInputElement;
	readonly #buttons: ReadonlyMap<ListOfDocuments, HTMLElement>;
	#shown: ListOfDocuments;

	constructor(inMemory: ListOfDocuments, stored: ListOfDocuments) {
		let pause: ReturnType<typeof setTimeout> | undefined;
		this.#search = h("input", {
			class: "field search",
			type: "search",
			maxlength: searchLengthMax,
			oninput: () => {
				clearTimeout(pause);
				pause = setTimeout(() => this.#shown.search(this.#search.value), searchPauseMs);
			},
		});
		const button = (list: ListOfDocuments, text: string) =>
			h("button", { class: "choice-button", type: "button", onclick: () => this.#choose(list) }, text);
		this.#buttons = new Map([
			[inMemory, button(inMemory, "In memory")],
			[stored, button(stored, "In the store")],
		]);
		this.#shown = inMemory;
		this.element = h(
			"section",
			{ class: "card documents", "aria-labelledby": "documents-title" },
			h(
				"header",
				{ class: "card-head" },
				h("h2", { id: "documents-title" }, "Documents"),
				this.#count,
				h("span", { class: "spring" }),
				h(
					"div",
					{ class: "choice-buttons", role: "group", "aria-label": "Documents shown" },
					...this.#buttons.values(),
				),
				this.#search,
			),
			...[...this.#buttons.keys()].map(({ element }) => element),
		);
		this.#mark();
	}

	#choose(list: ListOfDocuments): void {
		this.#shown = list;
		this.#mark();
		list.search(this.#search.value);
	}

	#mark(): void {
		const { count, searchLabel, searchHint } = this.#shown;
		this.#count.replaceChildren(count);
		this.#search.placeholder = searchHint;
		this.#search.setAttribute("aria-label", searchLabel);
		for (const [list, button] of this.#buttons) {
			list.element.hidden = list !== this.#shown;
			button.setAttribute("aria-pressed", String(list === this.#shown));
		}
	}
}
