import { getSchema } from "@tiptap/core";
import { StarterKit } from "@tiptap/starter-kit";
import { prosemirrorJSONToYDoc } from "@tiptap/y-tiptap";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { type NodeOptions, type Seed, seedText, seedTiptapJson } from "../../server/index.ts";
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
	const first = await startLocalNode({ data, seed });
	const ann = await first.client("doc").synced();
	expect(ann.text.toString()).toBe("Welcome. ");
	await ann.type("Ann was here.").saved();
	ann.destroy();
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
	const first = await startLocalNode({ data, seed: welcome });
	first.store.hold();
	const early = first.client("doc");
	await eventually("the seed to be written", () => first.store.appends > 0);
	await first.client("other-of-the-store").provider.awareness?.destroy();
	expect(early.text.toString()).toBe("");
	expect(early.provider.isSynced).toBe(false);
	// The process ends with the append unanswered.
	await first.close();

	const second = await startLocalNode({ data, seed: welcome });
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
	expect(await copiesAfterWipe({ seed })).toBe("<paragraph>Welcome.</paragraph>");
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

/** What is in the document when a client that saw the first database meets a second, empty one. */
async function copiesAfterWipe(options: LocalNodeOptions): Promise<string> {
	const first = await startLocalNode(options);
	const ann = await (await first.client("doc").synced()).saved();
	ann.destroy();
	await first.close();
	const second = await startLocalNode(options);
	await second.client("doc").synced();
	const again = await (await second.client("doc", { document: ann.document }).synced()).saved();
	return again.document.getXmlFragment("default").toString();
}

const twice = "<paragraph>Welcome.</paragraph><paragraph>Welcome.</paragraph>";

test("as documented, content that onLoadDocument adds doubles after a wipe", async () => {
	const schema = getSchema([StarterKit]);
	const onLoadDocument: NodeOptions["onLoadDocument"] = async ({ document }) =>
		document.isEmpty("default") ? prosemirrorJSONToYDoc(schema, json, "default") : document;
	expect(await copiesAfterWipe({ onLoadDocument })).toBe(twice);
});

test("as documented, an update encoded anew doubles after a wipe", async () => {
	const schema = getSchema([StarterKit]);
	const seed: Seed = () => Y.encodeStateAsUpdate(prosemirrorJSONToYDoc(schema, json, "default"));
	expect(await copiesAfterWipe({ seed })).toBe(twice);
});

test("as documented, default content that clients insert when they are synced doubles at once", async () => {
	const { store, client } = await startLocalNode();
	const ann = client("doc");
	const ben = client("doc");
	await Promise.all([ann.synced(), ben.synced()]);
	// Both find it empty: what one of them writes has not reached the other yet.
	const release = store.hold();
	for (const { text } of [ann, ben]) if (text.length === 0) text.insert(0, "Welcome. ");
	release();
	await Promise.all([ann.saved(), ben.saved()]);
	await eventually("both copies at both", () => ann.text.length === 18 && ben.text.length === 18);
	expect(ann.text.toString()).toBe("Welcome. Welcome. ");
});

test("as documented, content that changed between two seedings is there in both forms after a wipe", async () => {
	let edition = 0;
	const seed: Seed = () => {
		edition += 1;
		const paragraph = { type: "paragraph", content: [{ type: "text", text: `Edition ${edition}.` }] };
		return seedTiptapJson({ type: "doc", content: [paragraph] });
	};
	const merged = await copiesAfterWipe({ seed });
	expect(merged).toContain("<paragraph>Edition 1.</paragraph>");
	expect(merged).toContain("<paragraph>Edition 2.</paragraph>");
});
