import { HocuspocusProvider } from "@hocuspocus/provider";
import type { Extension } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { HandServer } from "../support/hand-server.ts";
import { type LocalNodeOptions, startLocalNode } from "../support/local-node.ts";
import { Random, testSeed } from "../support/random.ts";

function turn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

/** Everybody writes and erases at once for a while. */
async function editTogether(clients: readonly Client[], random: Random, edits: number): Promise<void> {
	for (let edit = 0; edit < edits; edit += 1) {
		const { text } = random.pick(clients);
		if (text.length > 5 && random.chance(0.3))
			text.delete(random.below(text.length - 3), 1 + random.below(3));
		else text.insert(random.below(text.length + 1), String.fromCharCode(97 + random.below(26)));
		if (random.chance(0.1)) await turn();
	}
}

async function inStep(clients: readonly Client[]): Promise<string> {
	await Promise.all(clients.map((client) => client.saved()));
	const [first, ...others] = clients.map(({ text }) => text);
	await eventually("all to be equal", () => others.every((text) => text.toString() === first?.toString()));
	return first?.toString() ?? "";
}

const watchers: readonly (readonly [string, Extension])[] = [
	["nobody's hooks watch", {}],
	["a hook watches changes", { async onChange() {} }],
	["a hook watches messages", { async beforeHandleMessage() {} }],
	["a hook watches presence", { async beforeHandleAwareness() {} }],
];

test.for(watchers)(
	"[CON1] [DUR1] thirty people who write at once end with the same, acknowledged and stored: %s",
	async ([what, watcher]) => {
		const random = new Random(testSeed(`fan-out, ${what}`));
		const options: LocalNodeOptions = { extensions: [watcher], lingerMs: 0 };
		const local = await startLocalNode(options);
		const clients = Array.from({ length: 30 }, () => local.client("doc"));
		await Promise.all(clients.map((client) => client.synced()));
		await editTogether(clients, random, 600);
		const text = await inStep(clients);
		for (const client of clients) client.destroy();
		await eventually("the document to leave memory", () => !local.node.hocuspocus.documents.has("doc"));
		expect((await local.client("doc").synced()).text.toString()).toBe(text);
	},
);

test("[CON1] editors that share a socket, each with its own session, see each other", async () => {
	const local = await startLocalNode();
	// On the socket of a document of its own: Hocuspocus can't tell sessions from somebody who has the same one without.
	const { socket } = await local.client("another").saved();
	const { text } = await local.client("doc").saved();
	const sessions = Array.from({ length: 4 }, () => {
		const provider = new HocuspocusProvider({
			websocketProvider: socket,
			name: "doc",
			document: new Y.Doc(),
			sessionAwareness: true,
		});
		onTestFinished(() => provider.destroy());
		provider.attach();
		return provider;
	});
	await eventually("all to be in step", () => sessions.every(({ isSynced }) => isSynced));
	for (const [index, { document }] of sessions.entries()) document.getText("text").insert(0, `${index}`);
	text.insert(0, "x");
	await eventually("all to have all", () =>
		sessions.every(({ document }) => document.getText("text").length === 5 && text.length === 5),
	);
	expect(new Set([text, ...sessions.map(({ document }) => document.getText("text"))].map(String)).size).toBe(
		1,
	);
	await eventually("all to be saved", () => sessions.every(({ unsyncedChanges }) => unsyncedChanges === 0));
});

test("an edit after quiet goes out in the turn in which it comes", async () => {
	const server = new HandServer({ flushIntervalMs: 10_000 });
	const [author, other] = [await server.client(), await server.client()];
	await eventually("quiet", () => author.acknowledgements + other.acknowledgements === 2);
	author.type("now");
	await turn();
	await turn();
	expect(other.text.toString()).toBe("now");
});

test("what many write in one turn leaves in one write to each, which holds each edit once", async () => {
	const server = new HandServer();
	const clients = await Promise.all(Array.from({ length: 50 }, () => server.client()));
	await eventually("quiet", () => clients.every(({ acknowledgements }) => acknowledgements === 1));
	await turn();
	const before = clients.map(({ socket }) => socket.writes);
	const release = server.store.hold();
	for (const client of clients) client.type("x");
	await eventually("all to have all", () => clients.every(({ text }) => text.length === 50));
	const writes = clients.map(({ socket }, index) => socket.writes - (before[index] ?? 0));
	expect(writes).toEqual(new Array(50).fill(1));
	expect(clients.every(({ received }) => received.length === 1)).toBe(true);
	release();
	await eventually("the acknowledgements", () =>
		clients.every(({ acknowledgements }) => acknowledgements === 2),
	);
});

test("edits larger than what is worth merging arrive, one by one", async () => {
	const server = new HandServer();
	const [author, other] = [await server.client(), await server.client()];
	const pages = Array.from({ length: 5 }, (_, page) => String.fromCharCode(97 + page).repeat(100_000));
	for (const page of pages) server.document.getText("text").insert(server.text.length, page);
	await eventually("all to be there", () => [author, other].every(({ text }) => text.length === 500_000));
	expect(other.text.toString()).toBe(pages.join(""));
	expect(other.received.length).toBe(5);
	for (const page of pages) author.type(page);
	await eventually("the author's, too", () => other.text.length === 1_000_000);
	await eventually("the acknowledgements", () => author.acknowledgements === 6);
});

test("[DUR1] what server-side code writes while clients' edits wait is applied, sent and stored with them", async () => {
	const server = new HandServer();
	const [author, other] = [await server.client(), await server.client()];
	const direct = await server.hocuspocus.openDirectConnection("doc");
	author.type("a");
	await direct.transact((document) => document.getText("text").insert(0, "s"));
	author.type("b");
	await eventually("all to have all", () => [author, other].every(({ text }) => text.length === 3));
	expect(other.text.toString()).toBe(author.text.toString());
	await direct.disconnect();
	expect(await server.storedText()).toBe(server.text);
});
