import { getSchema } from "@tiptap/core";
import { Image } from "@tiptap/extension-image";
import { TaskItem, TaskList } from "@tiptap/extension-list";
import { TableKit } from "@tiptap/extension-table";
import { StarterKit } from "@tiptap/starter-kit";
import { prosemirrorToYDoc, yXmlFragmentToProseMirrorRootNode } from "@tiptap/y-tiptap";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as Y from "yjs";
import {
	type SeedContent,
	seedHtml,
	seedText,
	seedTiptapJson,
	seedUpdate,
} from "../../extensions/durability/index.ts";
import { testSeed } from "../support/random.ts";

const seed = testSeed("seeding an editor's content");
const extensions = [StarterKit, TaskList, TaskItem.configure({ nested: true }), TableKit, Image];
const schema = getSchema(extensions);

async function opened(content: SeedContent): Promise<Y.Doc> {
	const document = new Y.Doc();
	const update = await seedUpdate(content);
	if (update !== undefined) Y.applyUpdate(document, update);
	return document;
}

async function hex(content: SeedContent): Promise<string> {
	return Buffer.from((await seedUpdate(content)) ?? []).toString("hex");
}

/** As an editor opens it. */
function editorJson(document: Y.Doc, field = "default"): unknown {
	return yXmlFragmentToProseMirrorRootNode(document.getXmlFragment(field), schema).toJSON();
}

interface Json {
	readonly type: string;
	readonly [key: string]: unknown;
}

const mark = fc.oneof(
	fc.constantFrom<Json>({ type: "bold" }, { type: "italic" }, { type: "strike" }),
	fc.webUrl().map((href): Json => ({ type: "link", attrs: { href } })),
);
const text = fc.record({
	type: fc.constant("text"),
	text: fc.string({ unit: "grapheme", minLength: 1, maxLength: 15 }),
	marks: fc.uniqueArray(mark, { selector: ({ type }) => type, maxLength: 3 }),
});
const inline = fc.oneof(
	{ weight: 6, arbitrary: text },
	{ weight: 1, arbitrary: fc.constant<Json>({ type: "hardBreak" }) },
);
const inlines = fc.array<Json>(inline, { maxLength: 4 });
const { block } = fc.letrec<{ block: Json; blocks: Json[] }>((tie) => ({
	blocks: fc.array(tie("block"), { minLength: 1, maxLength: 3 }),
	block: fc.oneof<fc.MaybeWeightedArbitrary<Json>[]>(
		{ maxDepth: 3 } as never,
		fc.record({ type: fc.constant("paragraph"), content: inlines }),
		fc.record({
			type: fc.constant("heading"),
			attrs: fc.record({ level: fc.integer({ min: 1, max: 6 }) }),
			content: inlines,
		}),
		fc.record({
			type: fc.constant("codeBlock"),
			attrs: fc.record({ language: fc.constantFrom(null, "js") }),
			content: fc.array(
				text.map(({ type, text }) => ({ type, text })),
				{ maxLength: 2 },
			),
		}),
		fc.record({ type: fc.constant("image"), attrs: fc.record({ src: fc.webUrl() }) }),
		fc.record({ type: fc.constant("blockquote"), content: tie("blocks") }),
		fc.tuple(inlines, fc.boolean(), tie("blocks")).map(
			([content, checked, rest]): Json => ({
				type: "taskList",
				content: [
					{ type: "taskItem", attrs: { checked }, content: [{ type: "paragraph", content }, ...rest] },
				],
			}),
		),
		fc.tuple(tie("blocks"), fc.constantFrom(null, [120])).map(
			([content, colwidth]): Json => ({
				type: "table",
				content: [{ type: "tableRow", content: [{ type: "tableCell", attrs: { colwidth }, content }] }],
			}),
		),
	),
}));
const tiptapJson = fc
	.array(block, { minLength: 1, maxLength: 4 })
	.map((content): Json => ({ type: "doc", content }));

test("an editor opens exactly the JSON that was seeded", async () => {
	await fc.assert(
		fc.asyncProperty(tiptapJson, async (json) => {
			const document = await opened(seedTiptapJson(json, { extensions }));
			expect(editorJson(document)).toEqual(schema.nodeFromJSON(json).toJSON());
		}),
		{ seed, numRuns: 150 },
	);
});

test("without a schema the JSON of an editor gives the bytes that y-tiptap's conversion gives", async () => {
	await fc.assert(
		fc.asyncProperty(tiptapJson, async (json) => {
			const node = schema.nodeFromJSON(json);
			const saved = node.toJSON();
			const structural = await hex(seedTiptapJson(saved));
			expect(structural).toBe(await hex(prosemirrorToYDoc(node, "default")));
			expect(structural).toBe(await hex(seedTiptapJson(json, { extensions })));
			expect(structural).toBe(await hex(seedTiptapJson(json, { schema })));
		}),
		{ seed, numRuns: 150 },
	);
});

test("attributes that the JSON leaves out get the schema's defaults", async () => {
	const json = { type: "doc", content: [{ type: "heading", content: [{ type: "text", text: "T" }] }] };
	const [heading] = (await opened(seedTiptapJson(json, { extensions }))).getXmlFragment("default").toArray();
	expect((heading as Y.XmlElement).getAttribute("level")).toBe(1);
});

test("HTML is read as the editor reads it, and always gives the same bytes", async () => {
	const html =
		'<h2>Plan</h2><p>One <strong>bold <em>both</em></strong> <a href="https://example.com">link</a></p><ul><li><p>first</p></li></ul>';
	const content = seedHtml(html, { field: "body", extensions });
	expect(editorJson(await opened(content), "body")).toMatchObject({
		type: "doc",
		content: [
			{ type: "heading", attrs: { level: 2 }, content: [{ type: "text", text: "Plan" }] },
			{
				type: "paragraph",
				content: [
					{ type: "text", text: "One " },
					{ type: "text", text: "bold ", marks: [{ type: "bold" }] },
					{ type: "text", text: "both", marks: [{ type: "bold" }, { type: "italic" }] },
					{ type: "text", text: " " },
					{ type: "text", text: "link", marks: [{ type: "link", attrs: { href: "https://example.com" } }] },
				],
			},
			{ type: "bulletList" },
		],
	});
	expect(await hex(content)).toBe(await hex(seedHtml(html, { field: "body", extensions })));
});

test("several fields make one document, in whatever order they are given", async () => {
	const body = seedTiptapJson({ type: "doc", content: [{ type: "paragraph" }] }, { field: "body" });
	const code = seedText("let x;", { field: "code" });
	const document = await opened([body, code]);
	expect(document.getText("code").toString()).toBe("let x;");
	expect(document.getXmlFragment("body").toString()).toBe("<paragraph></paragraph>");
	expect(await hex([code, body])).toBe(await hex([body, code]));
	await expect(seedUpdate([code, seedText("", { field: "code" })])).rejects.toThrow(
		'the field "code" is described twice',
	);
});

const bold = [{ type: "bold" }];
const paragraph = (...content: unknown[]) => ({ type: "doc", content: [{ type: "paragraph", content }] });

test("marks on a line break, which nobody sees and Yjs can't keep, are left out", async () => {
	const json = paragraph({ type: "text", text: "a", marks: bold }, { type: "hardBreak", marks: bold });
	expect(await hex(seedTiptapJson(json))).toBe(await hex(seedTiptapJson(json, { extensions })));
});

test.each<[string, unknown, RegExp]>([
	["a string", '{"type":"doc"}', /no object/],
	["an array of nodes", [], /no object/],
	["a node that is no document", { type: "paragraph" }, /not a "doc"/],
	["a node without a type", paragraph({ text: "x" }), /has no type/],
	["a text without text", paragraph({ type: "text", text: "" }), /without text/],
	["attributes of the document", { type: "doc", attrs: { lang: "en" }, content: [] }, /attribute "lang"/],
	["a mark twice", paragraph({ type: "text", text: "x", marks: [...bold, ...bold] }), /mark twice/],
	["half a character", paragraph({ type: "text", text: "\ud83d" }), /surrogate/],
	[
		"a marked node that is no text",
		paragraph({ type: "mention", attrs: { id: 1 }, marks: bold }),
		/"mention" has the mark "bold"/,
	],
])("JSON that can't be kept is refused: %s", async (_, json, reason) => {
	await expect(seedUpdate(seedTiptapJson(json))).rejects.toThrow(reason);
});

test("JSON that the schema does not allow is refused, because an editor would remove it", async () => {
	for (const json of [
		paragraph({ type: "mention", attrs: { id: 1 } }),
		paragraph({ type: "paragraph" }),
		{ type: "doc", content: [] },
		{ type: "paragraph" },
	]) {
		await expect(seedUpdate(seedTiptapJson(json, { extensions }))).rejects.toThrow(
			/the schema does not allow|not a "doc"/,
		);
	}
});
