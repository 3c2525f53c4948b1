import { expect, test } from "vitest";
import * as Y from "yjs";
import { type SeedContent, seedText, seedUpdate } from "../../extensions/durability/index.ts";
import { optionalPackage } from "../../extensions/durability/seed/optional-package.ts";

function documentWith(fill: (document: Y.Doc) => void): Y.Doc {
	const document = new Y.Doc();
	fill(document);
	return document;
}

function stored(clientId = 5): Y.Doc {
	const document = new Y.Doc();
	document.clientID = clientId;
	document.getText("t").insert(0, "hello");
	return document;
}

const loop: Record<string, unknown> = {};
loop.loop = loop;

test.each<[string, Y.Doc, RegExp]>([
	[
		"a subdocument in a map",
		documentWith((d) => d.getMap("m").set("sub", new Y.Doc())),
		/"m".sub is a subdocument/,
	],
	["a subdocument in an array", documentWith((d) => d.getArray("a").push([new Y.Doc()])), /subdocument/],
	["half a character", documentWith((d) => d.getText("t").insert(0, "\ud83d")), /half of a surrogate pair/],
	["an object of a class", documentWith((d) => d.getMap("m").set("at", { date: new Date(0) })), /is a Date/],
	["a function", documentWith((d) => d.getMap("m").set("f", { f() {} })), /is a function/],
	["a structure that contains itself", documentWith((d) => d.getMap("m").set("l", loop)), /contains itself/],
	[
		"binary in a format",
		documentWith((d) => d.getText("t").insert(0, "x", { b: new Uint8Array(1) })),
		/they are JSON/,
	],
	["NaN in an embed", documentWith((d) => d.getText("t").insertEmbed(0, { n: Number.NaN })), /NaN/],
	[
		"a root type that is text and array at once",
		documentWith((d) => {
			const other = new Y.Doc();
			other.getText("t").insert(0, "x");
			d.getArray("t").push([1]);
			Y.applyUpdate(d, Y.encodeStateAsUpdate(other));
		}),
		/mixes array items with text/,
	],
	[
		"updates that wait for others",
		documentWith((d) => {
			const other = stored();
			const first = Y.encodeStateVector(other);
			other.getText("t").insert(5, "!");
			Y.applyUpdate(d, Y.encodeStateAsUpdate(other, first));
		}),
		/incomplete/,
	],
])("a Y.Doc that can't be copied faithfully is refused: %s", async (_, document, reason) => {
	await expect(seedUpdate(document)).rejects.toThrow(reason);
});

test("a stored update is kept byte for byte, with its ids", async () => {
	const update = Y.encodeStateAsUpdate(stored());
	expect(await seedUpdate(update)).toEqual(update);
	expect(await seedUpdate(Buffer.from(update))).toEqual(update);
	expect(await seedUpdate(Y.encodeStateAsUpdate(new Y.Doc()))).toBeUndefined();
});

test.each<[string, Uint8Array, RegExp]>([
	["no bytes", new Uint8Array(), /empty; return undefined/],
	["text", new TextEncoder().encode("<p>hello</p>"), /no Yjs update|goes on after/],
	["format V2", Y.encodeStateAsUpdateV2(stored()), /format V2, use Y.convertUpdateFormatV2ToV1/],
	[
		"more bytes than an update",
		Buffer.concat([Y.encodeStateAsUpdate(stored()), Buffer.of(1)]),
		/goes on after/,
	],
	["the end of it missing", Y.encodeStateAsUpdate(stored()).subarray(0, 8), /no Yjs update/],
	["a later part", Y.diffUpdate(Y.encodeStateAsUpdate(stored()), Uint8Array.of(1, 5, 2)), /only part/],
])("a Uint8Array that is no stored state is refused: %s", async (_, bytes, reason) => {
	await expect(seedUpdate(bytes)).rejects.toThrow(reason);
});

test.each<[string, unknown]>([
	["a string", "<p>hello</p>"],
	["a number", 1],
	["an object", { type: "doc", content: [] }],
	["an array of something else", [null]],
])("content of no known kind is refused: %s", async (_, content) => {
	await expect(seedUpdate(content as SeedContent)).rejects.toThrow(/a seed must be a Y.Doc/);
});

test("text that is no text is refused", async () => {
	await expect(seedUpdate(seedText(7 as unknown as string))).rejects.toThrow("not a number");
});

test("a package that is not installed is named, with what to do", async () => {
	const missing = "indelible-is-not-installed";
	await expect(optionalPackage(missing, "seedHtml", () => import(missing))).rejects.toThrow(
		`Run: npm install ${missing}`,
	);
	const broken = optionalPackage("y", "seedHtml", () => Promise.reject(new Error("broken")));
	await expect(broken).rejects.toThrow(/^broken$/);
});
