import type * as Y from "yjs";
import type { PlainValue } from "./plain-value.ts";

/** What a document says, without the ids and the history of how it came to say it. Root types, sorted by name. */
export type DocumentContent = readonly RootContent[];

export interface RootContent extends TypeContent {
	readonly name: string;
}

/**
 * The content of any Yjs type. A root type's kind is not part of it, because Yjs does not store that: whoever opens the
 * document says which it is.
 */
export interface TypeContent {
	/** Children, array items or runs of text, in order. */
	readonly list: readonly ListItem[];
	/** Map entries or attributes, sorted by key. */
	readonly entries: readonly MapEntry[];
}

export type ListItem =
	| { readonly kind: "text"; readonly text: string; readonly format: Format }
	| { readonly kind: "embed"; readonly embed: PlainValue; readonly format: Format }
	| { readonly kind: "type"; readonly type: NestedType; readonly format: Format }
	| { readonly kind: "value"; readonly value: PlainValue };

export interface MapEntry {
	readonly key: string;
	readonly value:
		| { readonly kind: "value"; readonly value: PlainValue }
		| { readonly kind: "type"; readonly type: NestedType };
}

/** Bold, link and the like of a run of text; keys sorted. */
export type Format = Readonly<Record<string, PlainValue>>;

export interface NestedType extends TypeContent {
	readonly kind: NestedKind;
	/** The node name of an element, the hook name of a hook; empty for others. */
	readonly name: string;
}

export type NestedKind = "array" | "map" | "text" | "element" | "fragment" | "hook" | "xml-text";

/** Joins neighbouring runs of the same format, because how text was cut up is history and not content. */
export function joinedRuns(items: readonly ListItem[]): ListItem[] {
	const joined: ListItem[] = [];
	for (const item of items) {
		const last = joined.at(-1);
		if (item.kind !== "text" || last?.kind !== "text" || !isSameFormat(item.format, last.format)) {
			joined.push(item);
		} else {
			joined[joined.length - 1] = { ...last, text: last.text + item.text };
		}
	}
	return joined;
}

function isSameFormat(a: Format, b: Format): boolean {
	return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Any Yjs type, as Yjs itself declares it. */
export type YType = ReturnType<Y.Doc["get"]>;
