import type { onLoadDocumentPayload } from "@hocuspocus/server";
import { getSchema } from "@tiptap/core";
import { StarterKit } from "@tiptap/starter-kit";
import { prosemirrorJSONToYDoc } from "@tiptap/y-tiptap";
import * as Y from "yjs";
import { type Seed, seedHtml, seedText, seedTiptapJson } from "../../server/index.ts";
import { cms } from "./cms.ts";

// The examples of docs/seeding.md, which quotes this file. test/integration/seeding.test.ts runs them.

export const fromTiptapJson: Seed = async (documentName) => {
	const article = await cms.article(documentName);
	return article && seedTiptapJson(article.json);
};

export const checkedTiptapJson: Seed = async (documentName) => {
	const article = await cms.article(documentName);
	return article && seedTiptapJson(article.json, { extensions: [StarterKit] });
};

export const fromHtml: Seed = async (documentName) => {
	const article = await cms.article(documentName);
	return article && seedHtml(article.html, { extensions: [StarterKit] });
};

export const severalFields: Seed = async (documentName) => {
	const article = await cms.article(documentName);
	return article && [seedText(article.title, { field: "title" }), seedTiptapJson(article.json)];
};

export const fromDocument: Seed = async (documentName) => {
	const article = await cms.article(documentName);
	if (article === undefined) return undefined;
	const document = new Y.Doc();
	document.getMap("details").set("title", article.title);
	document.getText("default").insert(0, article.source);
	return document;
};

export const storedUpdate: Seed = async (documentName) => {
	const article = await cms.article(documentName);
	return article?.update;
};

const schema = getSchema([StarterKit]);

export async function onLoadDocument({ document, documentName }: onLoadDocumentPayload) {
	const article = await cms.article(documentName);
	if (article === undefined || !document.isEmpty("default")) return document;
	return prosemirrorJSONToYDoc(schema, article.json, "default");
}

export const freshUpdate: Seed = async (documentName) => {
	const article = await cms.article(documentName);
	return article && Y.encodeStateAsUpdate(prosemirrorJSONToYDoc(schema, article.json, "default"));
};

export function whenSynced(document: Y.Doc) {
	const text = document.getText("default");
	if (text.length === 0) text.insert(0, "Welcome.");
}
