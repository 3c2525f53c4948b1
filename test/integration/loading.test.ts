import { once } from "node:events";
import { join } from "node:path";
import type { Document } from "@hocuspocus/server";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { SqliteStore, StoreUnavailableError } from "../../extensions/durability/index.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNodeOptions, startLocalNode } from "../support/local-node.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { authenticationFrame, syncStep1Frame } from "../support/wire-frames.ts";

async function fails(): Promise<never> {
	throw new Error("theirs is broken");
}

const failures: Record<string, LocalNodeOptions> = {
	"the store can't be read": {},
	"the seed fails": { seed: fails },
	"another extension's onLoadDocument fails": { extensions: [{ onLoadDocument: fails }] },
	"another extension's afterLoadDocument fails": { extensions: [{ afterLoadDocument: fails }] },
};

test.each(Object.entries(failures))(
	"a document that can't be opened since %s does not stay in memory",
	async (what, options) => {
		const { node, store, client } = await startLocalNode({ ...options, compaction: { idleMs: 20 } });
		if (what === "the store can't be read") {
			store.load = async () => {
				throw new StoreUnavailableError("away");
			};
		}
		const documents: Document[] = [];
		const load = node.durability.onLoadDocument.bind(node.durability);
		node.durability.onLoadDocument = (payload) => {
			documents.push(payload.document);
			return load(payload);
		};
		client("doc");
		await eventually("the first attempt", () => documents.length === 1);
		await eventually("it to be over", () => node.hocuspocus.loadingDocuments.size === 0);
		client("doc");
		await eventually("the second one", () => documents.length >= 2);
		await eventually("the documents to be gone", () => documents.every(({ isDestroyed }) => isDestroyed));
		expect(node.hocuspocus.documents.size).toBe(0);
	},
);

test("a document whose people left while it was loading leaves memory, also when others are seen in it elsewhere", async () => {
	let isLoaded = false;
	const { node, url } = await startLocalNode({
		extensions: [
			{
				async onLoadDocument({ document }) {
					ws.terminate();
					await eventually("the socket to be gone", () => node.connections === 0);
					// As another node of a cluster does.
					document.awareness.setLocalState({ name: "elsewhere" });
					isLoaded = true;
				},
			},
		],
	});
	const ws = new WebSocket(url);
	await once(ws, "open");
	ws.send(authenticationFrame("doc"));
	await eventually("it to be loaded", () => isLoaded && node.hocuspocus.loadingDocuments.size === 0);
	await eventually("it to be gone", () => node.hocuspocus.documents.size === 0);
});

test("whoever opens a stored document first gets it once", async () => {
	const data = temporaryFolder();
	const { client, close } = await startLocalNode({ data });
	await client("doc").type("x".repeat(100_000)).saved();
	await close();
	const { url, node } = await startLocalNode({ data });
	const ws = new WebSocket(url);
	onTestFinished(() => ws.terminate());
	let bytes = 0;
	ws.on("message", (frame: Buffer) => {
		bytes += frame.byteLength;
	});
	await once(ws, "open");
	ws.send(authenticationFrame("doc"));
	ws.send(syncStep1Frame("doc"));
	await eventually("the document", () => bytes > 100_000);
	// What is broadcast from now on comes after what loading might have left to broadcast.
	node.hocuspocus.documents.get("doc")?.broadcastStateless("x".repeat(1_000));
	await new Promise((resolve) => setImmediate(resolve));
	node.hocuspocus.documents.get("doc")?.broadcastStateless("x".repeat(1_000));
	await eventually("both messages", () => bytes > 102_000);
	expect(bytes).toBeLessThan(110_000);
});

test("a store is told that documents are about to be read when its node listens, before anybody comes; with one that is closed it does nothing", async () => {
	const told = vi.spyOn(SqliteStore.prototype, "expectLoads");
	onTestFinished(() => told.mockRestore());
	const { client, close } = await startLocalNode();
	expect(told).toHaveBeenCalledTimes(1);
	await client("doc").saved();
	await close();
	const store = new SqliteStore({ path: join(temporaryFolder(), "indelible.sqlite") });
	store.expectLoads();
	await store.open();
	store.expectLoads();
	await store.close();
	store.expectLoads();
});
