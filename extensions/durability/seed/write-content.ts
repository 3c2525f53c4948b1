import * as Y from "yjs";
import type {
	DocumentContent,
	ListItem,
	MapEntry,
	NestedType,
	RootContent,
	TypeContent,
	YType,
} from "./content.ts";
import { SeedContentError } from "./seed-content-error.ts";

/**
 * Makes the content with the ids (clientId, 0), (clientId, 1), … in an order that depends on nothing but the content.
 * @returns A Yjs update (V1).
 */
export function writeDocument(content: DocumentContent, clientId: number): Uint8Array {
	const document = new Y.Doc();
	document.clientID = clientId;
	document.transact(() => {
		for (const root of content) fill(rootType(document, root), root);
	});
	const update = Y.encodeStateAsUpdate(document);
	document.destroy();
	return update;
}

/** Any type that can take such items: which one is not stored. */
function rootType(document: Y.Doc, { name, list, entries }: RootContent): YType {
	const isText = list.some((item) => item.kind === "text" || item.kind === "embed" || isFormatted(item));
	const isArray = list.some((item) => item.kind === "value");
	if (isArray && (isText || entries.length > 0)) {
		const other = isText ? "text" : "map entries";
		throw new SeedContentError(`the root type ${JSON.stringify(name)} mixes array items with ${other}`);
	}
	if (isText) return document.get(name, Y.Text);
	if (isArray) return document.get(name, Y.Array);
	if (list.length === 0) return document.get(name, Y.Map);
	return document.get(name, Y.XmlElement);
}

function isFormatted(item: ListItem): boolean {
	return item.kind !== "value" && Object.keys(item.format).length > 0;
}

/** A type is filled after it was put into its parent, so that Yjs gives out ids in the order of the calls below. */
function fill(type: YType, { list, entries }: TypeContent): void {
	const children: { readonly type: YType; readonly content: NestedType }[] = [];
	const create = (content: NestedType): YType => {
		const child = newType(content);
		children.push({ type: child, content });
		return child;
	};
	fillList(type, list, create);
	fillEntries(type, entries, create);
	for (const child of children) fill(child.type, child.content);
}

type Create = (content: NestedType) => YType;

function fillList(type: YType, list: readonly ListItem[], create: Create): void {
	if (list.length === 0) return;
	if (type instanceof Y.Text) {
		type.applyDelta(list.map((item) => delta(item, create)));
	} else if (type instanceof Y.Array) {
		type.insert(
			0,
			list.map((item) => arrayItem(item, create)),
		);
	} else if (type instanceof Y.XmlFragment) {
		type.insert(
			0,
			list.map((item) => child(item, create)),
		);
	} else throw misplaced(list[0]);
}

function delta(item: ListItem, create: Create) {
	switch (item.kind) {
		case "text":
			return { insert: item.text, attributes: { ...item.format } };
		case "embed":
			return { insert: item.embed, attributes: { ...item.format } };
		case "type":
			return { insert: create(item.type), attributes: { ...item.format } };
		case "value":
			throw misplaced(item);
	}
}

function arrayItem(item: ListItem, create: Create): unknown {
	if (item.kind === "value") return item.value;
	if (item.kind === "type" && !isFormatted(item)) return create(item.type);
	throw misplaced(item);
}

/** Yjs declares only elements and text as children, and takes all types. */
function child(item: ListItem, create: Create): Y.XmlElement {
	if (item.kind === "type" && !isFormatted(item)) return create(item.type) as Y.XmlElement;
	throw misplaced(item);
}

function misplaced(item: ListItem | undefined): SeedContentError {
	return new SeedContentError(`the Y.Doc holds a ${item?.kind} in a type that can't have one`);
}

function fillEntries(type: YType, entries: readonly MapEntry[], create: Create): void {
	for (const { key, value } of entries) {
		const entry = value.kind === "type" ? create(value.type) : value.value;
		if (type instanceof Y.Map) type.set(key, entry);
		else if (type instanceof Y.Text) type.setAttribute(key, entry);
		// Yjs declares strings only, and takes everything.
		else if (type instanceof Y.XmlElement) type.setAttribute(key, entry as string);
		else
			throw new SeedContentError(`the Y.Doc holds an entry ${JSON.stringify(key)} in a type without entries`);
	}
}

function newType({ kind, name }: NestedType): YType {
	switch (kind) {
		case "array":
			return new Y.Array();
		case "map":
			return new Y.Map();
		case "text":
			return new Y.Text();
		case "element":
			return new Y.XmlElement(name);
		case "fragment":
			return new Y.XmlFragment();
		case "hook":
			return new Y.XmlHook(name);
		case "xml-text":
			return new Y.XmlText();
	}
}
