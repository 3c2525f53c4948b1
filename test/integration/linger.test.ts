import { Server } from "@hocuspocus/server";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { Linger } from "../../extensions/linger/index.ts";
import { merge } from "../../server/import.ts";
import type { Client } from "../support/client.ts";
import { openClient } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNode, type LocalNodeOptions, startLocalNode } from "../support/local-node.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";
import { startRedis } from "../support/redis-server.ts";

/** A node with a document that somebody has written and left. */
async function abandoned(options: LocalNodeOptions = {}): Promise<LocalNode> {
	const local = await startLocalNode({ lingerMs: 60_000, ...options });
	const author = await local.client("page").synced();
	await author.type("hello").saved();
	author.destroy();
	await lingering(local);
	return local;
}

async function lingering({ node }: LocalNode, documents = 1): Promise<void> {
	await eventually("documents to linger", () => node.linger.stats().documents === documents);
}

async function gone({ node }: LocalNode, name = "page"): Promise<void> {
	await eventually("the document to leave memory", () => !node.hocuspocus.documents.has(name));
}

function names({ provider }: Client): unknown[] {
	return [...(provider.awareness?.getStates().values() ?? [])].map(({ name }) => name);
}

test("whoever opens a document again soon gets it from memory, with all that was saved", async () => {
	const local = await abandoned();
	const { node, store, client } = local;
	store.load = () => {
		throw new Error("it was read from the store");
	};
	const document = node.hocuspocus.documents.get("page");
	const second = await client("page").synced();
	expect(node.hocuspocus.documents.get("page")).toBe(document);
	expect(second.text.toString()).toBe("hello");
	expect(node.linger.stats()).toEqual({ documents: 0, bytes: 0 });
	await second.type("!").saved();
	second.destroy();
	await lingering(local);
});

test("who has left is not shown to who comes next; who comes back is, though it says the same as before", async () => {
	const local = await startLocalNode();
	const anna = await local.client("page").saved();
	const bert = await local.client("page").saved();
	anna.provider.setAwarenessField("name", "Anna");
	bert.provider.setAwarenessField("name", "Bert");
	await eventually("both to be there", () => names(anna).includes("Bert") && names(bert).includes("Anna"));
	bert.destroy();
	anna.socket.disconnect();
	await lingering(local);
	const cleo = await local.client("page").saved();
	expect(names(cleo)).toEqual([undefined]);
	await anna.socket.connect();
	await eventually("Anna to be back", () => names(cleo).includes("Anna"), 5_000);
	expect(names(cleo)).not.toContain("Bert");
});

test("documents linger for their time, within a bound of documents and one of memory, and not at all at 0", async () => {
	const brief = await abandoned({ lingerMs: 300 });
	await gone(brief);
	expect(brief.node.linger.stats()).toEqual({ documents: 0, bytes: 0 });

	const { node, client } = await startLocalNode({ lingerMs: 60_000, lingerDocumentsMax: 5 });
	for (let n = 0; n < 30; n += 1) {
		const visitor = await client(`tiny ${n}`).saved();
		visitor.destroy();
	}
	await eventually("most to be gone", () => node.hocuspocus.documents.size === 5);
	expect([...node.hocuspocus.documents.keys()]).toEqual(
		Array.from({ length: 5 }, (_, n) => `tiny ${25 + n}`),
	);

	const small = await abandoned({ lingerBytesMax: 100_000 });
	const large = await small.client("large").type("x".repeat(200_000)).saved();
	large.destroy();
	await gone(small, "large");
	expect(small.node.hocuspocus.documents.has("page")).toBe(true);

	const never = await startLocalNode({ lingerMs: 0 });
	(await never.client("page").saved()).destroy();
	await gone(never);
});

test("[TRN3] [DUR6] documents that linger do not keep a node from ending, nor an operator from unloading them", async () => {
	const unloaded: string[] = [];
	const local = await abandoned({
		async afterUnloadDocument({ documentName }) {
			unloaded.push(documentName);
		},
	});
	expect((await local.node.unload("page")).done).toBe(true);
	expect(unloaded).toEqual(["page"]);
	const anna = await local.client("page").saved();
	await local.client("other").saved();
	// Unloaded while somebody is there, it does not linger either.
	const unloading = local.node.unload("page");
	anna.destroy();
	expect((await unloading).done).toBe(true);
	(await local.client("third").saved()).destroy();
	await lingering(local);
	await local.node.drain();
	await eventually("all to be gone", () => local.node.hocuspocus.documents.size === 0);
	expect(unloaded.sort()).toEqual(["other", "page", "page", "third"]);
});

test("[TRN4] while memory is short, what lingers is let go, and nothing lingers", async () => {
	const local = await abandoned({ memoryBytesMax: 1 });
	const keeper = await local.client("kept").saved();
	await gone(local);
	expect(local.node.readiness().ready).toBe(false);
	keeper.destroy();
	await gone(local, "kept");
});

test("[CLU1] [CLU3] a document that lingers hears of other nodes' edits, with Redis and without, and of imports", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url, { lingerMs: 60_000 });
	const [one, two] = [await cluster.node(), await cluster.node()];
	await eventually("the nodes to know each other", () => one.node.bus?.nodes.length === 1);
	const anna = await one.client("page").saved();
	(await two.client("page").saved()).destroy();
	await lingering(two);
	const document = two.node.hocuspocus.documents.get("page");
	const text = () => document?.getText("text").toString();
	await anna.type("a").saved();
	await eventually("it to arrive", () => text() === "a");

	const imported = new Y.Doc();
	imported.getText("text").insert(0, "imported ");
	const store = new MemoryStore(cluster.disk, { isShared: true });
	await store.open();
	expect(await merge("page", Y.encodeStateAsUpdate(imported), store)).toEqual({ status: "merged" });
	await eventually("what was imported", () => text()?.includes("imported"));
	await eventually("Anna to have it", () => anna.text.toString() === text());

	await redis.kill();
	await anna.type("b").saved();
	await eventually("it to arrive", () => text() === anna.text.toString());
	const bert = await two.client("page").synced();
	expect(two.node.hocuspocus.documents.get("page")).toBe(document);
	expect(bert.text.toString()).toBe(anna.text.toString());
});

test("[DUR5] [DUR6] a document that can't be written, or read back, is not kept for the next one", async () => {
	const disk = new MemoryDisk();
	const store = new MemoryStore(disk);
	const local = await startLocalNode({ store, lingerMs: 60_000 });
	const author = await local.client("page").saved();
	store.failDocument("page");
	author.type("kept");
	await eventually("it to fail", () => local.node.durability.documentStats("page")?.failure !== undefined);
	author.destroy();
	await eventually("the author to be gone", () => local.node.hocuspocus.getConnectionsCount() === 0);
	expect(local.node.hocuspocus.documents.has("page")).toBe(true);
	expect(local.node.linger.stats().documents).toBe(0);
	store.healDocument("page");
	await gone(local);
	expect((await local.client("page").synced()).text.toString()).toBe("kept");
});

test("on a stock server documents linger, and do not keep it from ending", async () => {
	const linger = new Linger({ lingerMs: 60_000 });
	const server = new Server({
		port: 0,
		quiet: true,
		stopOnSignals: false,
		debounce: 20,
		extensions: [linger],
	});
	await server.listen();
	const { documents } = server.hocuspocus;
	for (const name of ["one", "two"]) {
		const client = openClient({ url: server.webSocketURL, name });
		await client.type("hello").saved();
		client.destroy();
	}
	await eventually("both to linger", () => linger.stats().documents === 2);
	server.hocuspocus.closeConnections("one");
	await eventually("one to leave", () => !documents.has("one"));
	const again = openClient({ url: server.webSocketURL, name: "two" });
	expect((await again.synced()).text.toString()).toBe("hello");
	again.destroy();
	await eventually("it to linger again", () => linger.stats().documents === 1);
	await server.destroy();
	expect(documents.size).toBe(0);
});
