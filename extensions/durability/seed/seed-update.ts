import type * as Y from "yjs";
import type { DocumentContent } from "./content.ts";
import { wellFormed } from "./plain-value.ts";
import { readDocument } from "./read-content.ts";
import { parseHtml, schemaContent } from "./schema-content.ts";
import type { SeedContent, SeedField } from "./seed-content.ts";
import { SeedContentError } from "./seed-content-error.ts";
import { stableUpdate } from "./stable-update.ts";
import { storedUpdate } from "./stored-update.ts";
import { tiptapChildren } from "./tiptap-content.ts";

/**
 * Content as one Yjs update (V1). The same content gives the same bytes in every process and at any time, so that
 * copies made in different places merge into one; other content gets another Yjs client id.
 * @returns `undefined` when there is nothing to store.
 * @throws {SeedContentError} when the content can't be kept exactly as it is.
 */
export async function seedUpdate(content: SeedContent | undefined | null): Promise<Uint8Array | undefined> {
	if (content === undefined || content === null) return undefined;
	if (content instanceof Uint8Array) return storedUpdate(content);
	const described = isDocument(content) ? readDocument(content) : await contentOf(content);
	return described.length === 0 ? undefined : stableUpdate(described);
}

/** A document of another copy of Yjs, as CommonJS and ES modules have, is none of our `Y.Doc`. */
function isDocument(content: SeedContent): content is Y.Doc {
	return (
		typeof content === "object" && "share" in content && content.share instanceof Map && "store" in content
	);
}

async function contentOf(description: SeedField | readonly SeedField[]): Promise<DocumentContent> {
	const fields = [description].flat();
	const roots = (await Promise.all(fields.map(fieldContent))).flat();
	const twice = fields.find(({ field }, index) => fields.findIndex((other) => other.field === field) < index);
	if (twice !== undefined) {
		throw new SeedContentError(`the field ${JSON.stringify(twice.field)} is described twice`);
	}
	return roots
		.filter(({ list, entries }) => list.length > 0 || entries.length > 0)
		.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function fieldContent(description: SeedField): Promise<DocumentContent> {
	switch (description?.kind) {
		case "text":
			return textContent(description.field, description.text);
		case "tiptap-json": {
			const { json, field, schema } = description;
			if (schema.extensions !== undefined || schema.schema !== undefined) {
				return schemaContent(json, field, schema);
			}
			return [{ name: fieldName(field), list: tiptapChildren(json), entries: [] }];
		}
		case "html": {
			const { html, field, extensions } = description;
			return schemaContent(await parseHtml(html, extensions), field, { extensions });
		}
		default:
			throw new SeedContentError(
				"a seed must be a Y.Doc, a Uint8Array, or made by seedText, seedTiptapJson or seedHtml",
			);
	}
}

function textContent(field: string, text: string): DocumentContent {
	if (typeof text !== "string") throw new SeedContentError(`seedText needs a string, not a ${typeof text}`);
	if (text === "") return [];
	const run = { kind: "text", text: wellFormed(text, "the text"), format: {} } as const;
	return [{ name: fieldName(field), list: [run], entries: [] }];
}

function fieldName(field: string): string {
	return wellFormed(field, "the field's name");
}
