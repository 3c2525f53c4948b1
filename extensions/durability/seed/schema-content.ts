import type { Extensions } from "@tiptap/core";
import type { Schema } from "@tiptap/pm/model";
import type { DocumentContent } from "./content.ts";
import { optionalPackage } from "./optional-package.ts";
import { readDocument } from "./read-content.ts";
import type { SchemaSource, TiptapExtensions } from "./seed-content.ts";
import { SeedContentError } from "./seed-content-error.ts";
import { refuseDocumentAttributes, refuseLostMarks } from "./tiptap-content.ts";

/**
 * TipTap JSON as an editor with this schema would write it.
 * @throws {SeedContentError} when the schema does not allow it: an editor would silently remove what it does not know.
 */
export async function schemaContent(
	json: unknown,
	field: string,
	source: SchemaSource,
): Promise<DocumentContent> {
	const { prosemirrorToYDoc } = await optionalPackage(
		"@tiptap/y-tiptap",
		"seedTiptapJson with a schema",
		() => import("@tiptap/y-tiptap"),
	);
	const schema = await schemaOf(source);
	const document = checkedNode(schema, json);
	refuseDocumentAttributes((json as { attrs?: Record<string, unknown> | null }).attrs ?? {});
	document.descendants(({ isText, isLeaf, type, marks, attrs }) => {
		const isBare = isLeaf && Object.values(attrs).every((value) => value === null);
		if (!isText) {
			refuseLostMarks(
				type.name,
				isBare,
				marks.map((mark) => mark.type.name),
			);
		}
	});
	return readDocument(prosemirrorToYDoc(document, field));
}

/** @returns TipTap JSON. */
export async function parseHtml(html: string, extensions: TiptapExtensions): Promise<unknown> {
	const { generateJSON } = await optionalPackage(
		"@tiptap/html happy-dom",
		"seedHtml",
		() => import("@tiptap/html/server"),
	);
	return generateJSON(html, extensions as Extensions);
}

async function schemaOf({ extensions, schema }: SchemaSource): Promise<Schema> {
	if (schema !== undefined) return schema as Schema;
	const { getSchema } = await optionalPackage(
		"@tiptap/core @tiptap/pm",
		"a seed with extensions",
		() => import("@tiptap/core"),
	);
	return getSchema(extensions as Extensions);
}

function checkedNode(schema: Schema, json: unknown) {
	try {
		const node = schema.nodeFromJSON(json);
		node.check();
		if (node.type === schema.topNodeType) return node;
	} catch (cause) {
		throw new SeedContentError(`the schema does not allow the content: ${(cause as Error).message}`, {
			cause,
		});
	}
	throw new SeedContentError(`the TipTap JSON is not a ${JSON.stringify(schema.topNodeType.name)}`);
}
