import { expect, test } from "vitest";
import type { DurabilityEvent } from "../../extensions/durability/index.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";

test("[DUR4] a document that was opened again while it was compacted is compacted again when its log has grown", async () => {
	const events: DurabilityEvent["type"][] = [];
	const { node, store, client } = await startLocalNode({
		compaction: { busyBytesMin: 1_000, idleBytesMin: 1, idleUpdatesMin: 1 },
		lingerMs: 0,
		onDurabilityEvent: ({ type }) => events.push(type),
	});
	const compact = store.compact.bind(store);
	const released = Promise.withResolvers<void>();
	store.compact = async (...request) => {
		await released.promise;
		return compact(...request);
	};
	const first = await client("doc").type("once").saved();
	first.destroy();
	await eventually("it to be unloaded", () => node.hocuspocus.documents.size === 0);
	const second = await (await client("doc").synced()).type("x".repeat(2_000)).saved();
	released.resolve();
	await eventually("the first compaction", () => events.includes("compacted"));
	await second.type("y".repeat(2_000)).saved();
	await eventually("the second one", () => events.filter((type) => type === "compacted").length === 2, 3_000);
	expect(events).not.toContain("compaction-failed");
});

test("pictures that are added to a board are not merged while they come, and pictures that replace others are", async () => {
	const compactions: string[] = [];
	const { client } = await startLocalNode({
		compaction: { busyBytesMin: 100_000 },
		onDurabilityEvent: (event) => {
			if (event.type === "compacted") compactions.push(event.documentName);
		},
	});
	const [adding, replacing] = [await client("grows").synced(), await client("changes").synced()];
	for (let n = 0; n < 8; n += 1) {
		adding.document.getMap("board").set(`picture ${n}`, new Uint8Array(20_000));
		replacing.document.getMap("board").set("picture", new Uint8Array(20_000));
		await Promise.all([adding.saved(), replacing.saved()]);
	}
	await eventually("a compaction", () => compactions.length > 0);
	expect(new Set(compactions)).toEqual(new Set(["changes"]));
});
