type Child = Node | string | number | null | undefined | false;
type Attribute = string | number | boolean | null | undefined | ((event: never) => void);

const svgNamespace = "http://www.w3.org/2000/svg";
const svgTags: ReadonlySet<string> = new Set(["svg", "path", "rect", "circle"]);

/** An element; attributes that begin with `on` are listeners, `true` is an attribute without a value, `false` is none. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
	tag: Tag,
	attributes?: Readonly<Record<string, Attribute>>,
	...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
	return create(tag, attributes, children) as HTMLElementTagNameMap[Tag];
}

export function icon(path: string, size = 18): SVGElement {
	const stroke = { fill: "none", stroke: "currentColor", "stroke-width": "1.6" };
	const ends = { "stroke-linecap": "round", "stroke-linejoin": "round" };
	const box = { class: "icon", "aria-hidden": "true", width: size, height: size, viewBox: "0 0 20 20" };
	return create("svg", { ...box, ...stroke, ...ends }, [create("path", { d: path }, [])]) as SVGElement;
}

/** The drop of ink that stays. */
export function logo(size = 24): SVGElement {
	const drop = "M16 6.5c4 4.6 6.2 7.9 6.2 11.1a6.2 6.2 0 0 1-12.4 0c0-3.2 2.2-6.5 6.2-11.1z";
	const box = { class: "logo", "aria-hidden": "true", width: size, height: size, viewBox: "0 0 32 32" };
	return create("svg", box, [
		create("rect", { width: 32, height: 32, rx: 8, fill: "currentColor" }, []),
		create("path", { d: drop, fill: "var(--on-accent)" }, []),
		create(
			"path",
			{
				d: "m13.1 17.8 2.2 2.2 3.8-4.3",
				fill: "none",
				stroke: "currentColor",
				"stroke-width": 2,
				"stroke-linecap": "round",
				"stroke-linejoin": "round",
			},
			[],
		),
	]) as SVGElement;
}

function create(
	tag: string,
	attributes: Readonly<Record<string, Attribute>> = {},
	children: readonly Child[],
): Element {
	const element = svgTags.has(tag)
		? document.createElementNS(svgNamespace, tag)
		: document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
		else if (value !== false && value !== null && value !== undefined)
			element.setAttribute(name, value === true ? "" : String(value));
	}
	for (const child of children)
		if (child !== null && child !== undefined && child !== false)
			element.append(child instanceof Node ? child : String(child));
	return element;
}

/** Changes nothing that is right already: screen readers and selections stay where they are. */
export function setText(element: Element, text: string): void {
	if (element.textContent !== text) element.textContent = text;
}

/** One row of a {@link keyedList}. */
export interface Row<Item> {
	readonly element: HTMLElement;
	update(item: Item): void;
}

/** @returns Shows items in `container`; those that stay keep their elements, and so the focus. */
export function keyedList<Item>(
	container: HTMLElement,
	keyOf: (item: Item) => string,
	create: (item: Item) => Row<Item>,
): (items: readonly Item[]) => void {
	let rows = new Map<string, Row<Item>>();
	return (items) => {
		const next = new Map<string, Row<Item>>();
		for (const item of items) {
			const key = keyOf(item);
			const row = rows.get(key) ?? create(item);
			row.update(item);
			next.set(key, row);
		}
		for (const [key, { element }] of rows) if (!next.has(key)) element.remove();
		let before: Element | null = container.firstElementChild;
		for (const { element } of next.values()) {
			if (element === before) before = element.nextElementSibling;
			else container.insertBefore(element, before);
		}
		rows = next;
	};
}
