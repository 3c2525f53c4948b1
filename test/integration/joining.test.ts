import { HocuspocusProvider } from "@hocuspocus/provider";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { eventually } from "../support/eventually.ts";
import { type LocalNode, startLocalNode } from "../support/local-node.ts";
import { Random, testSeed } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A large document in the store that nobody has open. */
async function storeLarge({ node, client }: LocalNode, characters = 200_000): Promise<string> {
	const author = await client("doc").synced();
	const random = new Random(1);
	for (let at = 0; at < characters; at += 1_000)
		author.type(String.fromCharCode(97 + random.below(26)).repeat(1_000));
	await author.saved();
	const text = author.text.toString();
	author.destroy();
	await eventually("the document to leave memory", () => !node.hocuspocus.documents.has("doc"));
	return text;
}

test("[CON1] many who open a cold document at once, while somebody types, all have all of it", async () => {
	const local = await startLocalNode({ lingerMs: 0 });
	const before = await storeLarge(local);
	const clients = Array.from({ length: 30 }, () => local.client("doc"));
	const [author] = clients as [(typeof clients)[0]];
	await author.synced();
	for (let word = 0; word < 20; word += 1) {
		author.type(` word${word}`);
		clients.push(local.client("doc"));
		await new Promise((resolve) => setImmediate(resolve));
	}
	await Promise.all(clients.map((client) => client.synced()));
	await author.saved();
	const expected = author.text.toString();
	expect(expected.startsWith(before)).toBe(true);
	await eventually("all to have it", () => clients.every(({ text }) => text.length === expected.length));
	expect(new Set(clients.map(({ text }) => text.toString())).size).toBe(1);
	await Promise.all(clients.map((client) => client.saved()));
});

test("[CON1] who opens a document anew on the same socket, with nothing, has all of it again", async () => {
	const local = await startLocalNode({ lingerMs: 0 });
	const before = await storeLarge(local);
	const { provider, socket } = await local.client("doc").synced();
	await eventually("all of it", () => provider.document.getText("text").length === before.length);
	// Somebody else has it open meanwhile, so that it stays in memory.
	await local.client("doc").synced();
	for (let time = 0; time < 3; time += 1) {
		provider.detach();
		const again = new HocuspocusProvider({ websocketProvider: socket, name: "doc", document: new Y.Doc() });
		onTestFinished(() => again.destroy());
		again.attach();
		await eventually("it to be in step", () => again.isSynced);
		expect(again.document.getText("text").toString()).toBe(before);
		again.detach();
	}
});

test("[CON1] whoever comes with a part of it gets the rest, and gives what only it has", async () => {
	const local = await startLocalNode();
	const random = new Random(testSeed("joining"));
	const seen = new Y.Doc();
	const author = await local.client("doc").synced();
	for (let round = 0; round < 15; round += 1) {
		for (let edit = 0; edit < 5; edit += 1) {
			const { text } = author;
			if (text.length > 0 && random.chance(0.3)) text.delete(random.below(text.length), 1);
			else text.insert(random.below(text.length + 1), "abc");
		}
		const document = new Y.Doc();
		Y.applyUpdate(document, Y.encodeStateAsUpdate(seen));
		document.getText("text").insert(0, `[${round}]`);
		const client = local.client("doc", { document });
		await client.saved();
		await author.saved();
		await eventually(
			"both to have what the other has",
			() => client.text.toString() === author.text.toString(),
		);
		if (random.chance(0.5)) Y.applyUpdate(seen, Y.encodeStateAsUpdate(client.document));
		client.destroy();
	}
	expect(author.text.toString()).toContain("[14]");
});

test("[CON1] a document that could not be loaded at first is whole for those who come later", async () => {
	const data = temporaryFolder();
	let isBroken = false;
	const local = await startLocalNode({
		lingerMs: 0,
		data,
		async onConnect() {
			if (isBroken) throw new Error("not now");
		},
	});
	const before = await storeLarge(local);
	isBroken = true;
	const refused = local.client("doc");
	await eventually("the refusal", () => refused.denials.length > 0);
	isBroken = false;
	const client = await local.client("doc").synced();
	expect(client.text.toString()).toBe(before);
});
