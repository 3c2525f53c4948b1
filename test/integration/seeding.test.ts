import { readFile } from "node:fs/promises";
import { getSchema } from "@tiptap/core";
import { StarterKit } from "@tiptap/starter-kit";
import { prosemirrorJSONToYDoc } from "@tiptap/y-tiptap";
import { expect, test } from "vitest";
import type * as Y from "yjs";
import * as examples from "../../docs/examples/seeding.ts";
import { type Seed, seedText, seedTiptapJson } from "../../server/index.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNodeOptions, startLocalNode } from "../support/local-node.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const welcome: Seed = () => seedText("Welcome. ", { field: "text" });
const json = { type: "doc", content: [{ type: "paragraph", content: [{ type: "text", text: "Welcome." }] }] };

/** Counts how often the hook is asked. */
function counted(seed: Seed): { readonly seed: Seed; readonly names: string[] } {
	const names: string[] = [];
	return {
		names,
		seed: (documentName, context) => {
			names.push(documentName);
			return seed(documentName, context);
		},
	};
}

test("a document is seeded once, and neither a reopening nor a restart nor its emptying seeds it again", async () => {
	const data = temporaryFolder();
	const { seed, names } = counted(welcome);
	const first = await startLocalNode({ data, seed, lingerMs: 0 });
	const [ann, guest] = [first.client("doc"), first.client("doc")];
	await Promise.all([ann.synced(), guest.synced()]);
	expect(ann.text.toString()).toBe("Welcome. ");
	await ann.type("Ann was here.").saved();
	ann.destroy();
	guest.destroy();
	await eventually("the document to leave memory", () => !first.node.hocuspocus.documents.has("doc"));
	const ben = await first.client("doc").synced();
	expect(ben.text.toString()).toBe("Welcome. Ann was here.");
	await first.close();

	const second = await startLocalNode({ data, seed });
	await eventually("Ben to be back", () => ben.closes.length > 0);
	const cleo = await second.client("doc").synced();
	expect(cleo.text.toString()).toBe("Welcome. Ann was here.");
	cleo.text.delete(0, cleo.text.length);
	await cleo.saved();
	await second.close();

	const third = await startLocalNode({ data, seed });
	expect((await third.client("doc").synced()).text.toString()).toBe("");
	expect(names).toEqual(["doc"]);
});

test("[DUR1] nobody sees a seed before it is durable, and a crash before that leaves nothing behind", async () => {
	const data = temporaryFolder();
	const seed: Seed = (name, context) => (name === "doc" ? welcome(name, context) : undefined);
	const first = await startLocalNode({ data, seed });
	first.store.hold();
	const early = first.client("doc");
	await eventually("the seed to be written", () => first.store.appends > 0);
	// Anything that the server would have sent by now was sent before this.
	await first.client("other").synced();
	expect(early.text.toString()).toBe("");
	expect(early.provider.isSynced).toBe(false);
	// The process ends with the append unanswered.
	await first.close();

	const second = await startLocalNode({ data, seed });
	const late = await second.client("doc", { document: early.document }).synced();
	expect(late.text.toString()).toBe("Welcome. ");
	expect(second.store.committed.flat()).toEqual(["doc"]);
});

test("[DUR1] a crash between the seed and the first edit keeps the seed", async () => {
	const data = temporaryFolder();
	const { seed, names } = counted(welcome);
	const first = await startLocalNode({ data, seed });
	await first.client("doc").synced();
	await first.close();
	const second = await startLocalNode({ data, seed });
	expect((await second.client("doc").synced()).text.toString()).toBe("Welcome. ");
	expect(names).toEqual(["doc"]);
});

test("a client that kept its copy across a wipe of the database ends with one copy, and so do others", async () => {
	const first = await startLocalNode({ seed: welcome });
	const ann = await first.client("doc").synced();
	await ann.type("Kept by Ann.").saved();
	ann.destroy();
	await first.close();

	const wiped = await startLocalNode({ seed: welcome });
	const ben = await wiped.client("doc").synced();
	expect(ben.text.toString()).toBe("Welcome. ");
	const again = await (await wiped.client("doc", { document: ann.document }).synced()).saved();
	await eventually("Ben to have Ann's edit", () => ben.text.toString() === "Welcome. Kept by Ann.");
	expect(again.text.toString()).toBe("Welcome. Kept by Ann.");
});

test("two nodes with databases of their own seed the same copy: a client carries its document from one to the other", async () => {
	const one = await startLocalNode({ seed: () => seedTiptapJson(json) });
	const two = await startLocalNode({ seed: () => seedTiptapJson(structuredClone(json)) });
	const ann = await one.client("doc").synced();
	const ben = await two.client("doc").synced();
	ann.destroy();
	const moved = await (await two.client("doc", { document: ann.document }).synced()).saved();
	expect(moved.document.getXmlFragment("default").toString()).toBe("<paragraph>Welcome.</paragraph>");
	expect(ben.document.getXmlFragment("default").toString()).toBe("<paragraph>Welcome.</paragraph>");
});

test("a Y.Doc made anew each time, with random client ids, still makes one copy", async () => {
	const schema = getSchema([StarterKit]);
	const seed: Seed = () => prosemirrorJSONToYDoc(schema, json, "default");
	expect(await paragraphsAfterWipe({ seed })).toBe(once);
});

test("a document that was stored before the hook existed is not seeded", async () => {
	const data = temporaryFolder();
	const before = await startLocalNode({ data });
	const ann = await before.client("doc").synced();
	await ann.type("Older.").saved();
	await before.close();
	const { seed, names } = counted(welcome);
	const after = await startLocalNode({ data, seed });
	expect((await after.client("doc").synced()).text.toString()).toBe("Older.");
	expect(names).toEqual([]);
});

test("the hook gets the name and the context, also of a direct connection, and may have nothing to give", async () => {
	const asked: unknown[] = [];
	const { node, client } = await startLocalNode({
		onAuthenticate: async ({ token }: { token: string }) => ({ user: token }),
		seed: (documentName, context) => {
			asked.push([documentName, context]);
			return undefined;
		},
	});
	await client("from a client", { token: "ann" }).synced();
	const connection = await node.openDirectConnection("from the server", { user: "cron" });
	await connection.disconnect();
	expect(asked).toEqual([
		["from a client", { user: "ann" }],
		["from the server", { user: "cron" }],
	]);
});

test("when the hook fails the client is refused with the reason, nothing is stored, and the next try works", async () => {
	let fails = true;
	const { store, client, node } = await startLocalNode({
		seed: async () => {
			if (fails) throw new Error("the CMS is down");
			return seedText("Welcome. ", { field: "text" });
		},
	});
	const refused = client("doc");
	await eventually("the refusal", () => refused.denials.length > 0);
	expect(refused.denials).toEqual(["seed-failed"]);
	expect(refused.text.toString()).toBe("");
	expect(node.hocuspocus.documents.has("doc")).toBe(false);
	expect(store.appends).toBe(0);
	refused.destroy();
	fails = false;
	expect((await client("doc").synced()).text.toString()).toBe("Welcome. ");
	await expect(node.openDirectConnection("other")).resolves.toBeDefined();
});

test("content that can't be kept is refused like a hook that fails", async () => {
	const { client } = await startLocalNode({ seed: () => seedTiptapJson({ type: "paragraph" }) });
	const refused = client("doc");
	await eventually("the refusal", () => refused.denials.length > 0);
	expect(refused.denials).toEqual(["seed-failed"]);
});

/** The document that a client has who saw a first database, and then meets a second, empty one. */
async function carriedOverWipe(options: LocalNodeOptions): Promise<Y.Doc> {
	const first = await startLocalNode(options);
	const ann = await (await first.client("welcome").synced()).saved();
	ann.destroy();
	await first.close();
	const second = await startLocalNode(options);
	await second.client("welcome").synced();
	const again = await (await second.client("welcome", { document: ann.document }).synced()).saved();
	return again.document;
}

async function paragraphsAfterWipe(options: LocalNodeOptions): Promise<string> {
	return (await carriedOverWipe(options)).getXmlFragment("default").toString();
}

const once = "<paragraph>Welcome.</paragraph>";

test.each<[string, Seed]>([
	["fromTiptapJson", examples.fromTiptapJson],
	["checkedTiptapJson", examples.checkedTiptapJson],
	["fromHtml", examples.fromHtml],
	["severalFields", examples.severalFields],
	["storedUpdate", examples.storedUpdate],
])("as documented, %s keeps one copy over a wipe", async (_, seed) => {
	expect(await paragraphsAfterWipe({ seed })).toBe(once);
});

test("as documented, fromDocument keeps one copy over a wipe", async () => {
	const document = await carriedOverWipe({ seed: examples.fromDocument });
	expect(document.getText("default").toString()).toBe("Welcome.");
	expect(document.getMap("details").toJSON()).toEqual({ title: "Welcome" });
});

test("as documented, severalFields fills the other field too", async () => {
	const document = await carriedOverWipe({ seed: examples.severalFields });
	expect(document.getText("title").toString()).toBe("Welcome");
});

test("as documented, content that onLoadDocument adds doubles after a wipe", async () => {
	const { onLoadDocument } = examples;
	expect(await paragraphsAfterWipe({ onLoadDocument })).toBe(once + once);
});

test("as documented, an update encoded anew doubles after a wipe", async () => {
	expect(await paragraphsAfterWipe({ seed: examples.freshUpdate })).toBe(once + once);
});

test("as documented, default content that clients insert when they are synced doubles at once", async () => {
	const { client } = await startLocalNode();
	const ann = client("doc");
	const ben = client("doc");
	await Promise.all([ann.synced(), ben.synced()]);
	// What Ann writes has not reached Ben yet.
	examples.whenSynced(ann.document);
	examples.whenSynced(ben.document);
	await Promise.all([ann.saved(), ben.saved()]);
	const texts = () => [ann, ben].map(({ document }) => document.getText("default").toString());
	await eventually("both copies at both", () => texts().every((text) => text === "Welcome.Welcome."));
});

test("as documented, content that changed between two seedings is there in both forms after a wipe", async () => {
	let edition = 0;
	const seed: Seed = () => {
		edition += 1;
		const paragraph = { type: "paragraph", content: [{ type: "text", text: `Edition ${edition}.` }] };
		return seedTiptapJson({ type: "doc", content: [paragraph] });
	};
	const merged = await paragraphsAfterWipe({ seed });
	expect(merged).toContain("<paragraph>Edition 1.</paragraph>");
	expect(merged).toContain("<paragraph>Edition 2.</paragraph>");
});

test("the documentation quotes the examples that these tests run", async () => {
	const read = (path: string) => readFile(new URL(`../../docs/${path}`, import.meta.url), "utf8");
	const [page, code] = [await read("seeding.md"), await read("examples/seeding.ts")];
	const quotes = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, quote = ""]) => quote);
	expect(quotes.length).toBe(Object.keys(examples).length);
	for (const quote of quotes) expect(code).toContain(quote);
});
