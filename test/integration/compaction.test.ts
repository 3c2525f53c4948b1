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
