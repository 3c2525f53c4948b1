import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HocuspocusProvider } from "@hocuspocus/provider";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { DocumentDeletedError, SqliteStore, seedText } from "../../extensions/durability/index.ts";
import type { Client } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNode, startLocalNode } from "../support/local-node.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";
import { startRedis } from "../support/redis-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const refused = ["document-deleted"];
/** What the guarantee says, and then what a busy machine may take. */
const toldWithinMs = 5_000;

async function gone(name: string, ...nodes: LocalNode[]): Promise<void> {
	await eventually(`${name} to leave memory`, () =>
		nodes.every(
			({ node }) => !node.hocuspocus.documents.has(name) && node.durability.documentStats(name) === undefined,
		),
	);
}

async function isDeleted(at: LocalNode, name: string): Promise<void> {
	await expect(at.store.load(name)).rejects.toThrow(DocumentDeletedError);
	await expect(at.node.openDirectConnection(name)).rejects.toThrow(DocumentDeletedError);
	const late = at.client(name);
	await eventually("a denial", () => late.denials.length > 0);
	expect(late.denials).toEqual(refused);
	late.destroy();
}

test("[DUR7] whoever has a document open is told that it was deleted, and keeps the socket for other documents", async () => {
	const one = await startLocalNode();
	const ann = one.client("board");
	const opened: string[] = [];
	ann.provider.on("authenticated", () => opened.push("board"));
	const other = new HocuspocusProvider({
		websocketProvider: ann.socket,
		name: "other",
		document: new Y.Doc(),
		token: null,
	});
	other.attach();
	onTestFinished(() => other.destroy());
	const bob = one.client("board");
	await (await ann.synced()).type("hello ").saved();
	await eventually("bob to have it", () => bob.text.toString() === "hello ");
	expect(await one.node.durability.delete("board")).toBe("deleted");
	await eventually("both to know", () => [ann, bob].every(({ denials }) => denials.length > 0), toldWithinMs);
	await gone("board", one);
	await isDeleted(one, "board");
	expect(opened).toEqual(["board"]);
	// Editors that go on regardless are never told that anything is saved.
	ann.type("again ");
	bob.type("and again ");
	other.document.getText("text").insert(0, "other words");
	await eventually("the other document to be saved", () => other.isSynced && other.unsyncedChanges === 0);
	expect(ann.provider.unsyncedChanges).toBeGreaterThan(0);
	expect([ann, bob].map(({ denials, closes }) => ({ denials, closes }))).toEqual([
		{ denials: refused, closes: [] },
		{ denials: refused, closes: [] },
	]);
	await expect(one.store.load("board")).rejects.toThrow(DocumentDeletedError);
	expect(await one.node.durability.delete("board")).toBe("deleted-before");
	expect(await one.node.durability.delete("never")).toBe("unknown");
	expect((await one.node.durability.list({ limit: 9 })).documents.map(({ name }) => name)).toEqual(["other"]);
});

test("[DUR7] an edit on its way into the store is not acknowledged and not stored, whichever of the two comes first", async () => {
	const one = await startLocalNode();
	const ann = await one.client("board").synced();
	await ann.type("stored ").saved();
	const release = one.store.hold();
	ann.type("in flight ");
	await eventually("the edit to be written", () => one.store.appends >= 2);
	ann.type("behind it ");
	expect(await one.node.durability.delete("board")).toBe("deleted");
	release();
	await one.node.durability.flush();
	await eventually("her to know", () => ann.denials.length > 0);
	expect(ann.provider.unsyncedChanges).toBeGreaterThan(0);
	expect(one.node.durability.stats()).toMatchObject({ backlogBytes: 0, backlogUpdates: 0 });
	await gone("board", one);
	await isDeleted(one, "board");
	// Others are written as ever.
	await (await one.client("other").synced()).type("words").saved();
});

test("[DUR7] a document that is opened without anything in it, lingers, or is open to server code can be deleted, too", async () => {
	const one = await startLocalNode({ lingerMs: 60_000 });
	const empty = await one.client("empty").synced();
	expect(await one.node.durability.delete("empty")).toBe("deleted");
	await eventually("the denial", () => empty.denials.length > 0);
	await isDeleted(one, "empty");

	const ann = await one.client("lingers").synced();
	await ann.type("words").saved();
	ann.destroy();
	await eventually("it to linger", () => one.node.linger.stats().documents === 1);
	expect(await one.node.durability.delete("lingers")).toBe("deleted");
	await gone("lingers", one);
	expect(one.node.linger.stats().documents).toBe(0);
	await isDeleted(one, "lingers");

	const server = await one.node.openDirectConnection("server");
	const change = (document: Y.Doc) => document.getText("text").insert(0, "x");
	await server.transact(change);
	expect(await one.node.durability.delete("server")).toBe("deleted");
	await gone("server", one);
	await isDeleted(one, "server");
	await one.node.durability.free("server");
	const next = await one.client("server").synced();
	await expect(server.transact(change)).rejects.toThrow(DocumentDeletedError);
	await server.disconnect();
	await next.type("next").saved();
	expect(next.text.toString()).toBe("next");
	expect(one.node.hocuspocus.documents.has("server")).toBe(true);
});

test("[DUR7] hooks are not told of a document that was deleted", async () => {
	const stored: string[] = [];
	const one = await startLocalNode({
		onStoreDocument: async ({ documentName, document }) => {
			stored.push(`${documentName}: ${document.getText("text")}`);
		},
	});
	const ann = await one.client("board").synced();
	await ann.type("words").saved();
	await one.node.durability.delete("board");
	await gone("board", one);
	await (await one.client("other").synced()).type("words").saved();
	one.node.hocuspocus.flushPendingStores();
	await eventually("the other one's hook", () => stored.length > 0);
	expect(stored).toEqual(["other: words"]);
});

test("[DUR7] a document that is being opened when it is deleted does not stay", async () => {
	const store = new MemoryStore();
	const one = await startLocalNode({ store });
	await (await one.client("board").synced()).type("words").saved();
	await one.node.unload("board");
	store.hold();
	const late = one.client("board");
	await eventually("it to be read", () => store.held.some(({ kind }) => kind === "load"));
	for (const call of store.held) call.perform();
	const deleting = one.node.durability.delete("board");
	await eventually("it to be deleted", () => store.held.some(({ kind }) => kind === "delete"));
	store.held.find(({ kind }) => kind === "delete")?.complete();
	expect(await deleting).toBe("deleted");
	store.release();
	await eventually("a denial", () => late.denials.length > 0);
	await gone("board", one);
	await isDeleted(one, "board");
});

test("[DUR7] a freed name is a new document, seeded as one, which an old copy brings back", async () => {
	const one = await startLocalNode({ seed: () => seedText("seed ", { field: "text" }) });
	const ann = await one.client("board").synced();
	await ann.type("old ").saved();
	const copy = new Y.Doc();
	Y.applyUpdate(copy, Y.encodeStateAsUpdate(ann.document));
	expect(await one.node.durability.free("board")).toBe(false);
	await one.node.durability.delete("board");
	await gone("board", one);
	expect(await one.node.durability.free("board")).toBe(true);
	const bob = await one.client("board").synced();
	await bob.type("new ").saved();
	expect(bob.text.toString()).not.toContain("old");
	expect(bob.text.toString()).toContain("seed");
	await one.client("board", { document: copy }).saved();
	await eventually("the old words", () => bob.text.toString().includes("old"));
});

async function deletedOnBoth(one: LocalNode, two: LocalNode, people: readonly Client[]): Promise<void> {
	await eventually(
		"everybody to know",
		() => people.every(({ denials }) => denials.length > 0),
		toldWithinMs,
	);
	for (const { denials, closes } of people)
		expect({ denials, closes }).toEqual({ denials: refused, closes: [] });
	await gone("board", one, two);
	for (const node of [one, two]) await isDeleted(node, "board");
}

test("[DUR7] people on another node are told through Redis", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	const ann = await one.client("board").synced();
	const bob = await two.client("board").synced();
	await ann.type("words ").saved();
	await eventually("bob to have it", () => bob.text.toString() === "words ");
	const startMs = performance.now();
	expect(await two.node.durability.delete("board")).toBe("deleted");
	await eventually("ann to know", () => ann.denials.length > 0, toldWithinMs);
	console.info(`told on the other node after ${Math.round(performance.now() - startMs)} ms`);
	await deletedOnBoth(one, two, [ann, bob]);
});

test("[DUR7] a name that is freed at once is a new document on all nodes, though one has just had the old one in memory", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	await eventually(
		"the nodes to meet",
		() => one.node.bus?.nodes.length === 1 && two.node.bus?.nodes.length === 1,
	);
	for (let round = 0; round < 5; round += 1) {
		const name = `board-${round}`;
		const held = await one.node.openDirectConnection(name);
		const ann = await one.client(name).synced();
		await ann.type("old ").saved();
		await two.node.durability.delete(name);
		await two.node.durability.free(name);
		const bob = await two.client(name).synced();
		await bob.type("new ").saved();
		const cleo = await one.client(name).synced();
		await cleo.type("words").saved();
		await eventually("bob to have it", () => bob.text.toString().endsWith("words"));
		expect(bob.text.toString()).toBe("new words");
		expect(ann.denials).toEqual(refused);
		await held.disconnect();
	}
});

test("[DUR7] without Redis they are told through the store", async () => {
	const disk = new MemoryDisk();
	const node = () => startLocalNode({ store: new MemoryStore(disk, { isShared: true }) });
	const [one, two] = [await node(), await node()];
	const ann = await one.client("board").synced();
	const bob = await two.client("board").synced();
	await ann.type("words ").saved();
	await eventually("bob to have it", () => bob.text.toString() === "words ");
	expect(await two.node.durability.delete("board")).toBe("deleted");
	await deletedOnBoth(one, two, [ann, bob]);
});

test("[DUR7] a node that hears of nothing is refused by the store, and so is what it has of a document whose name was freed", async () => {
	const disk = new MemoryDisk();
	const node = () => startLocalNode({ store: new MemoryStore(disk) });
	const [one, two] = [await node(), await node()];
	const ann = await one.client("board").synced();
	await ann.type("words ").saved();
	await (await one.client("freed").synced()).type("words ").saved();
	const eve = await one.client("freed").synced();
	for (const name of ["board", "freed"]) expect(await two.node.durability.delete(name)).toBe("deleted");
	await two.node.durability.free("freed");
	const bob = await two.client("freed").synced();
	await bob.type("new ").saved();
	ann.type("more ");
	await eventually("ann to know", () => ann.denials.length > 0, toldWithinMs);
	expect(ann.provider.unsyncedChanges).toBeGreaterThan(0);
	eve.type("more ");
	await eventually("eve to know", () => eve.denials.length > 0, toldWithinMs);
	expect(eve.provider.unsyncedChanges).toBeGreaterThan(0);
	await gone("board", one);
	await isDeleted(one, "board");
	const late = await one.client("freed").synced();
	expect(late.text.toString()).toBe("new ");
});

test("[DUR7] nothing of what was deleted is left in the files", async () => {
	const data = temporaryFolder();
	const path = join(data, "indelible.sqlite");
	const one = await startLocalNode({ data, store: new SqliteStore({ path }) });
	const ann = await one.client("teams/secret-name").synced();
	for (let times = 0; times < 200; times += 1) ann.type(`needle-${times} `);
	await ann.saved();
	await (await one.client("stays").synced()).type("other words").saved();
	const found = (text: string) => [path, `${path}-wal`].some((file) => readFileSync(file).includes(text));
	expect(found("needle-")).toBe(true);
	expect(found("secret-name")).toBe(true);
	await one.node.durability.delete("teams/secret-name");
	await eventually("the bytes to be gone", () => !found("needle-") && !found("secret-name"));
	expect(found("other words")).toBe(true);
});

test("[DUR7] a damaged document can be deleted", async () => {
	const data = temporaryFolder();
	const path = join(data, "indelible.sqlite");
	const first = await startLocalNode({ data });
	for (const name of ["damaged", "whole"]) await (await first.client(name).synced()).type("words").saved();
	await first.close();
	const database = new DatabaseSync(path);
	database.exec("DELETE FROM log WHERE document = (SELECT key FROM documents WHERE name = 'damaged')");
	database.close();
	const one = await startLocalNode({ data });
	const ann = one.client("damaged");
	await eventually("a denial", () => ann.denials.length > 0);
	expect(ann.denials).toEqual(["document-damaged"]);
	expect(await one.node.durability.delete("damaged")).toBe("deleted");
	await isDeleted(one, "damaged");
	expect(await one.node.durability.free("damaged")).toBe(true);
	await (await one.client("damaged").synced()).type("new").saved();
	expect((await one.client("whole").synced()).text.toString()).toBe("words");
});
