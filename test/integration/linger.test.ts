import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";

/** How often documents were read from the store. */
function countLoads(store: { load(name: string): Promise<unknown> }): () => number {
	let loads = 0;
	const load = store.load.bind(store);
	store.load = (name) => {
		loads += 1;
		return load(name);
	};
	return () => loads;
}

test("whoever opens a document again soon gets it from memory, with all that was saved, and without those who have left", async () => {
	const { node, store, client } = await startLocalNode();
	const loads = countLoads(store);
	const first = await client("page").synced();
	first.provider.setAwarenessField("user", { name: "gone" });
	await first.type("hello").saved();
	const { documents } = node.hocuspocus;
	const document = documents.get("page");
	await eventually("presence", () => document?.awareness.getStates().size === 1);
	first.destroy();
	await eventually("it to linger", () => node.linger.stats().documents === 1);

	const second = await client("page").synced();
	expect(documents.get("page")).toBe(document);
	expect(second.text.toString()).toBe("hello");
	expect(node.linger.stats().documents).toBe(0);
	const present = () => [...(second.provider.awareness?.getStates().keys() ?? [])];
	await second.type("!").saved();
	expect(present()).toEqual([second.document.clientID]);
	expect(loads()).toBe(1);
});
