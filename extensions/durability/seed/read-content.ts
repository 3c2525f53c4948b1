import * as decoding from "lib0/decoding";
import * as Y from "yjs";
import type {
	DocumentContent,
	Format,
	ListItem,
	MapEntry,
	NestedKind,
	NestedType,
	TypeContent,
	YType,
} from "./content.ts";
import { joinedRuns } from "./content.ts";
import { jsonValue, plainValue, sortedRecord, wellFormed } from "./plain-value.ts";
import { SeedContentError } from "./seed-content-error.ts";

/** `getRef()` of Yjs' content classes; it tells them apart for documents of another copy of Yjs as well. */
const contentRefs = {
	json: 2,
	binary: 3,
	string: 4,
	embed: 5,
	format: 6,
	type: 7,
	any: 8,
	document: 9,
} as const;

/** Type refs of Yjs' update format. */
const nestedKinds: readonly NestedKind[] = [
	"array",
	"map",
	"text",
	"element",
	"fragment",
	"hook",
	"xml-text",
];

const plain: Format = {};

/**
 * Reads what a document says now. It works from the items beneath Yjs' types, because a document that came out of
 * an update has no types at its roots until somebody asks for them.
 * @throws {SeedContentError} when part of it can't be made again.
 */
export function readDocument(document: Y.Doc): DocumentContent {
	const { pendingStructs, pendingDs } = document.store;
	if (pendingStructs !== null || pendingDs !== null) {
		throw new SeedContentError(
			"the Y.Doc is incomplete: it waits for updates that other updates in it depend on",
		);
	}
	return [...document.share]
		.map(([name, type]) => {
			const where = `the root type ${JSON.stringify(name)}`;
			return { name: wellFormed(name, where), ...readType(type, where) };
		})
		.filter(({ list, entries }) => list.length > 0 || entries.length > 0)
		.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readType(type: YType, where: string): TypeContent {
	return { list: readList(type, where), entries: readEntries(type, where) };
}

function readList(type: YType, where: string): ListItem[] {
	const items: ListItem[] = [];
	let format = plain;
	for (let item = type._start; item !== null; item = item.right) {
		if (item.deleted) continue;
		const { content } = item;
		if (isFormat(content)) {
			format = changedFormat(format, content, where);
		} else {
			for (const read of readItem(content, format, `${where}[${items.length}]`)) items.push(read);
		}
	}
	const joined = joinedRuns(items);
	for (const item of joined) if (item.kind === "text") wellFormed(item.text, where);
	return joined;
}

function isFormat(content: Y.Item["content"]): content is Y.ContentFormat {
	return content.getRef() === contentRefs.format;
}

function changedFormat(format: Format, { key, value }: Y.ContentFormat, where: string): Format {
	const { [key]: _, ...others } = format;
	if (value === null) return others;
	const added = jsonValue(value, `${where} format ${key}`);
	return sortedRecord([...Object.entries(others), [wellFormed(key, where), added]]);
}

function readItem(content: Y.Item["content"], format: Format, where: string): ListItem[] {
	switch (content.getRef()) {
		case contentRefs.string:
			return [{ kind: "text", text: (content as Y.ContentString).str, format }];
		case contentRefs.embed:
			return [{ kind: "embed", embed: jsonValue((content as Y.ContentEmbed).embed, where), format }];
		case contentRefs.type:
			return [{ kind: "type", type: readNested((content as Y.ContentType).type, where), format }];
		case contentRefs.document:
			throw subdocumentError(where);
		default:
			return content.getContent().map((value) => ({ kind: "value", value: arrayValue(value, where) }));
	}
}

function arrayValue(value: unknown, where: string) {
	if (value === undefined || typeof value === "bigint") {
		throw new SeedContentError(`${where} is ${typeof value}, which can't be put into a Yjs array`);
	}
	return plainValue(value, where);
}

function readEntries(type: YType, where: string): MapEntry[] {
	return [...type._map]
		.filter(([, item]) => !item.deleted)
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([key, item]) => {
			const name = `${where}.${key}`;
			return { key: wellFormed(key, name), value: readEntry(item.content, name) };
		});
}

function readEntry(content: Y.Item["content"], where: string): MapEntry["value"] {
	switch (content.getRef()) {
		case contentRefs.type:
			return { kind: "type", type: readNested((content as Y.ContentType).type, where) };
		case contentRefs.document:
			throw subdocumentError(where);
		default:
			return { kind: "value", value: plainValue(content.getContent().at(-1), where) };
	}
}

function readNested(type: YType, where: string): NestedType {
	const encoder = new Y.UpdateEncoderV1();
	type._write(encoder);
	const decoder = new Y.UpdateDecoderV1(decoding.createDecoder(encoder.toUint8Array()));
	const kind = nestedKinds[decoder.readTypeRef()];
	if (kind === undefined) throw new SeedContentError(`${where} is of a type that is not known here`);
	const name = kind === "element" || kind === "hook" ? decoder.readKey() : "";
	const within = name === "" ? where : `${where}<${name}>`;
	return { kind, name, ...readType(type, within) };
}

function subdocumentError(where: string): SeedContentError {
	return new SeedContentError(
		`${where} is a subdocument, which can't be seeded: it would get another identity on each node. Seed it as a document of its own`,
	);
}
