import type { Format, ListItem, MapEntry, NestedType } from "./content.ts";
import { joinedRuns } from "./content.ts";
import { jsonValue, sortedRecord, wellFormed } from "./plain-value.ts";
import { SeedContentError } from "./seed-content-error.ts";

interface JsonNode {
	readonly type: string;
	readonly attrs: Readonly<Record<string, unknown>>;
	readonly marks: readonly JsonNode[];
	readonly content: readonly unknown[];
	readonly text?: unknown;
}

/** `y-tiptap` marks by it what a version of a document added; it is no content. */
const versionMark = "ychange";

/**
 * TipTap JSON as `@tiptap/y-tiptap` 3.0 writes it to a fragment: nodes are elements, runs of text are one text with the
 * marks as formats, attributes that are null are left out.
 * @returns The children of the fragment.
 * @throws {SeedContentError} when it is not TipTap JSON, or needs a schema to be understood.
 */
export function tiptapChildren(json: unknown): ListItem[] {
	const document = jsonNode(json, "the TipTap JSON");
	if (document.type !== "doc") {
		throw new SeedContentError(
			`the TipTap JSON is a ${JSON.stringify(document.type)} and not a "doc"; if your documents are called that, give the extensions or the schema`,
		);
	}
	refuseDocumentAttributes(document.attrs);
	return children(document, "doc");
}

/** @throws {SeedContentError} when there are any: Yjs has no place for them. */
export function refuseDocumentAttributes(attributes: Readonly<Record<string, unknown>>): void {
	const [name] = Object.entries(attributes).find(([, value]) => value !== null && value !== undefined) ?? [];
	if (name === undefined) return;
	throw new SeedContentError(
		`the document node has the attribute ${JSON.stringify(name)}, which an editor on Yjs can't keep; put it into a field of its own`,
	);
}

/**
 * An editor on Yjs keeps marks of text only. Nobody sees them on a line break, so there they may go.
 * @throws {SeedContentError} when somebody would miss them.
 */
export function refuseLostMarks(type: string, isBare: boolean, marks: readonly string[]): void {
	if (isBare || marks.length === 0) return;
	throw new SeedContentError(
		`a node ${JSON.stringify(type)} has the mark ${JSON.stringify(marks[0])}, which an editor on Yjs keeps on text only; remove it or put it into the node's attributes`,
	);
}

function children({ content }: JsonNode, where: string): ListItem[] {
	const items: ListItem[] = [];
	let runs: ListItem[] = [];
	const endText = () => {
		if (runs.length > 0)
			items.push(nested({ kind: "xml-text", name: "", list: joinedRuns(runs), entries: [] }));
		runs = [];
	};
	content.forEach((value, index) => {
		const node = jsonNode(value, `${where}[${index}]`);
		const within = `${where}[${index}] ${node.type}`;
		if (node.type === "text") {
			runs.push(textRun(node, within));
		} else {
			endText();
			items.push(nested(element(node, within)));
		}
	});
	endText();
	return items;
}

function nested(type: NestedType): ListItem {
	return { kind: "type", type, format: {} };
}

function textRun({ text, marks }: JsonNode, where: string): ListItem {
	if (typeof text !== "string" || text === "") throw new SeedContentError(`${where} is without text`);
	return { kind: "text", text: wellFormed(text, where), format: marksAsFormat(marks, where) };
}

function marksAsFormat(marks: readonly JsonNode[], where: string): Format {
	const kept = marks.filter(({ type }) => type !== versionMark);
	const format = sortedRecord(
		kept.map(({ type, attrs }) => [
			wellFormed(type, where),
			// A mark keeps attributes that are null, unlike a node.
			jsonValue(attrs, `${where} mark ${type}`),
		]),
	);
	if (Object.keys(format).length < kept.length) {
		throw new SeedContentError(`${where} has a mark twice; give the extensions or the schema that allow it`);
	}
	return format;
}

function element(node: JsonNode, where: string): NestedType {
	const entries = attributes(node, where);
	const list = children(node, where);
	const isBare = entries.length === 0 && list.length === 0;
	refuseLostMarks(
		node.type,
		isBare,
		node.marks.map(({ type }) => type),
	);
	return { kind: "element", name: wellFormed(node.type, where), list, entries };
}

function attributes({ attrs }: JsonNode, where: string): MapEntry[] {
	return Object.entries(attrs)
		.filter(([key, value]) => value !== null && value !== undefined && key !== versionMark)
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([key, value]) => {
			const name = `${where}.${key}`;
			return { key: wellFormed(key, name), value: { kind: "value", value: jsonValue(value, name) } };
		});
}

function jsonNode(value: unknown, where: string): JsonNode {
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw new SeedContentError(`${where} is no object { type, … } as editor.getJSON() gives it`);
	}
	const { type, attrs = {}, marks = [], content = [], text } = value as Record<string, unknown>;
	if (typeof type !== "string" || type === "") throw new SeedContentError(`${where} has no type`);
	if (attrs !== null && typeof attrs !== "object") throw new SeedContentError(`${where}: attrs is no object`);
	if (!Array.isArray(marks) || !Array.isArray(content)) {
		throw new SeedContentError(`${where}: marks and content must be arrays`);
	}
	return {
		type,
		attrs: { ...attrs },
		marks: marks.map((mark) => jsonNode(mark, `${where} mark`)),
		content,
		text,
	};
}
