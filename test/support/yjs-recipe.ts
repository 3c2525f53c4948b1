import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import * as Y from "yjs";

/** What a document says, as a test wants it to be made; roots by name. */
export type Recipe = Readonly<Record<string, TypeRecipe>>;

export type TypeRecipe =
	| { readonly kind: "text"; readonly runs: readonly Run[] }
	| { readonly kind: "array"; readonly items: readonly ValueRecipe[] }
	| { readonly kind: "map"; readonly entries: Readonly<Record<string, ValueRecipe>> }
	| { readonly kind: "fragment"; readonly children: readonly XmlRecipe[] };

export type ValueRecipe = { readonly kind: "value"; readonly value: unknown } | TypeRecipe;

export type XmlRecipe =
	| { readonly kind: "xml-text"; readonly runs: readonly Run[] }
	| {
			readonly kind: "element";
			readonly name: string;
			readonly attributes: Readonly<Record<string, unknown>>;
			readonly children: readonly XmlRecipe[];
	  };

export interface Run {
	readonly insert: string | Readonly<Record<string, unknown>>;
	readonly attributes: Readonly<Record<string, unknown>>;
}

const key = fc.oneof(fc.constantFrom("a", "b", "10", "9", "src", "é"), fc.string({ maxLength: 6 }));
const name = key.filter((text) => text !== "__proto__");
const json = fc.jsonValue({ maxDepth: 2, depthSize: "small" }).filter((value) => !hasProto(value));
const value = fc.oneof(
	json,
	fc.double({ noDefaultInfinity: true, noNaN: true }),
	fc.uint8Array({ maxLength: 8 }),
	fc.string({ unit: "grapheme", maxLength: 12 }),
);
// As editors write them. (Yjs itself takes [] for {}, and -0 for 0.)
const formatValue = fc.oneof(
	fc.constant(true),
	fc.string({ maxLength: 6 }),
	fc.nat(),
	fc.dictionary(name, fc.oneof(fc.string({ maxLength: 6 }), fc.nat(), fc.constant(null)), {
		maxKeys: 2,
		noNullPrototype: true,
	}),
);
const format = fc.dictionary(fc.constantFrom("bold", "link", "italic", "color"), formatValue, {
	maxKeys: 3,
	noNullPrototype: true,
});
const run: fc.Arbitrary<Run> = fc.record({
	insert: fc.oneof(
		{ weight: 5, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }) },
		{
			weight: 1,
			arbitrary: fc.dictionary(name, formatValue, { minKeys: 1, maxKeys: 2, noNullPrototype: true }),
		},
	),
	attributes: format,
});
const runs = fc.array(run, { maxLength: 5 });

const { type } = fc.letrec<{ type: TypeRecipe; value: ValueRecipe; xml: XmlRecipe }>((tie) => ({
	type: fc.oneof(
		{ maxDepth: 3 },
		fc.record({ kind: fc.constant("text" as const), runs }),
		fc.record({ kind: fc.constant("array" as const), items: fc.array(tie("value"), { maxLength: 4 }) }),
		fc.record({
			kind: fc.constant("map" as const),
			entries: fc.dictionary(name, tie("value"), { maxKeys: 4 }),
		}),
		fc.record({ kind: fc.constant("fragment" as const), children: fc.array(tie("xml"), { maxLength: 4 }) }),
	),
	value: fc.oneof({ maxDepth: 3 }, fc.record({ kind: fc.constant("value" as const), value }), tie("type")),
	xml: fc.oneof(
		{ maxDepth: 4 },
		fc.record({ kind: fc.constant("xml-text" as const), runs }),
		fc.record({
			kind: fc.constant("element" as const),
			name: fc.constantFrom("paragraph", "heading", "image"),
			attributes: fc.dictionary(name, json.filter(isSet), { maxKeys: 3 }),
			children: fc.array(tie("xml"), { maxLength: 4 }),
		}),
	),
}));

/** Any document that Yjs can hold, up to a few dozen items. */
export const recipe: fc.Arbitrary<Recipe> = fc.dictionary(name, type, { minKeys: 1, maxKeys: 4 });

function isSet(candidate: unknown): boolean {
	return candidate !== null;
}

/** JSON.parse can make such a property, and Yjs loses it. */
function hasProto(candidate: unknown): boolean {
	return JSON.stringify(candidate).includes("__proto__");
}

/** How somebody came to write a recipe down; what the document says is the same. */
export interface Manner {
	readonly clientId: number;
	/** Keys in the opposite order, text from its end, things that are deleted again. */
	readonly roundabout: boolean;
}

/** Makes a document that says what the recipe says. */
export function cook(recipe: Recipe, { clientId, roundabout }: Manner): Y.Doc {
	const document = new Y.Doc();
	document.clientID = clientId;
	for (const [root, content] of ordered(recipe, roundabout)) fillRoot(document, root, content, roundabout);
	return document;
}

function fillRoot(document: Y.Doc, root: string, content: TypeRecipe, roundabout: boolean): void {
	switch (content.kind) {
		case "text":
			fillText(document.getText(root), content.runs, roundabout);
			break;
		case "array":
			fillArray(document.getArray(root), content.items, roundabout);
			break;
		case "map":
			fillMap(document.getMap(root), content.entries, roundabout);
			break;
		case "fragment":
			fillXml(document.getXmlFragment(root), content.children, roundabout);
	}
}

function fillText(text: Y.Text, runs: readonly Run[], roundabout: boolean): void {
	if (!roundabout) {
		text.applyDelta(runs.map(({ insert, attributes }) => ({ insert, attributes: { ...attributes } })));
		return;
	}
	text.insert(0, "draft");
	for (const { insert, attributes } of [...runs].reverse()) {
		if (typeof insert === "string") text.insert(0, insert, { ...attributes });
		else text.insertEmbed(0, { ...insert }, { ...attributes });
	}
	text.delete(text.length - 5, 5);
}

function fillArray(array: Y.Array<unknown>, items: readonly ValueRecipe[], roundabout: boolean): void {
	if (!roundabout) {
		array.push(items.map((item) => made(item, roundabout)));
		return;
	}
	array.push(["draft", new Y.Map()]);
	for (const item of [...items].reverse()) array.unshift([made(item, roundabout)]);
	array.delete(array.length - 2, 2);
}

function fillMap(
	map: Y.Map<unknown>,
	entries: Readonly<Record<string, ValueRecipe>>,
	roundabout: boolean,
): void {
	for (const [key, entry] of ordered(entries, roundabout)) {
		if (roundabout) map.set(key, "draft");
		map.set(key, made(entry, roundabout));
	}
	if (!roundabout) return;
	map.set("removed", new Y.Text("draft"));
	if (entries.removed === undefined) map.delete("removed");
}

function fillXml(parent: Y.XmlFragment, children: readonly XmlRecipe[], roundabout: boolean): void {
	if (roundabout) parent.insert(0, [new Y.XmlElement("draft")]);
	const inOrder = roundabout ? [...children].reverse() : children;
	for (const [index, child] of inOrder.entries()) {
		const at = roundabout ? 0 : index;
		if (child.kind === "xml-text") {
			const text = new Y.XmlText();
			parent.insert(at, [text]);
			fillText(text, child.runs, roundabout);
			continue;
		}
		const element = new Y.XmlElement(child.name);
		parent.insert(at, [element]);
		// Yjs declares strings only, and takes everything.
		for (const [key, attribute] of ordered(child.attributes, roundabout))
			element.setAttribute(key, attribute as string);
		fillXml(element, child.children, roundabout);
	}
	if (roundabout) parent.delete(parent.length - 1, 1);
}

/** A type is filled before it has a place, as most programs do it. */
function made(content: ValueRecipe, roundabout: boolean): unknown {
	switch (content.kind) {
		case "value":
			return roundabout ? reordered(content.value) : content.value;
		case "text": {
			const text = new Y.Text();
			fillText(text, content.runs, false);
			return text;
		}
		case "array":
			return Y.Array.from(content.items.map((item) => made(item, roundabout) as string));
		case "map": {
			const map = new Y.Map();
			for (const [key, entry] of ordered(content.entries, roundabout)) map.set(key, made(entry, roundabout));
			return map;
		}
		case "fragment": {
			const fragment = new Y.XmlFragment();
			fillXml(fragment, content.children, false);
			return fragment;
		}
	}
}

function ordered<Value>(record: Readonly<Record<string, Value>>, reversed: boolean): [string, Value][] {
	const entries = Object.entries(record);
	return reversed ? entries.reverse() : entries;
}

function reordered(given: unknown): unknown {
	if (typeof given !== "object" || given === null || given instanceof Uint8Array) return given;
	if (Array.isArray(given)) return given.map(reordered);
	return Object.fromEntries(
		ordered(given as Record<string, unknown>, true).map(([key, inner]) => [key, reordered(inner)]),
	);
}

/** What the document says, through Yjs' own eyes. */
export function told(document: Y.Doc, recipe: Recipe): unknown {
	return Object.fromEntries(
		Object.entries(recipe).map(([root, { kind }]) => [root, toldType(rootOf(document, root, kind))]),
	);
}

function rootOf(document: Y.Doc, root: string, kind: TypeRecipe["kind"]) {
	if (kind === "text") return document.getText(root);
	if (kind === "array") return document.getArray(root);
	return kind === "map" ? document.getMap(root) : document.getXmlFragment(root);
}

/** Yjs cuts a delta where formats were set, also to what they were. */
function joinedDelta(delta: readonly Run[]): Run[] {
	const joined: Run[] = [];
	for (const run of delta) {
		const last = joined.at(-1);
		const isMore = typeof run.insert === "string" && typeof last?.insert === "string";
		if (isMore && isDeepStrictEqual(run.attributes, last.attributes)) {
			joined[joined.length - 1] = { ...last, insert: `${last.insert}${run.insert}` };
		} else joined.push(run);
	}
	return joined;
}

function toldType(type: unknown): unknown {
	if (type instanceof Y.Text) return { attributes: type.getAttributes(), delta: joinedDelta(type.toDelta()) };
	if (type instanceof Y.Array) return type.toArray().map(toldType);
	if (type instanceof Y.Map)
		return Object.fromEntries([...type].map(([key, entry]) => [key, toldType(entry)]));
	if (type instanceof Y.XmlElement) {
		return { name: type.nodeName, attributes: type.getAttributes(), children: type.toArray().map(toldType) };
	}
	if (type instanceof Y.XmlFragment) return { children: type.toArray().map(toldType) };
	return type;
}
