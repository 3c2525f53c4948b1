import { expect, test } from "vitest";
import * as Y from "yjs";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { sendUpdate } from "../support/forged-updates.ts";
import { content, rawUpdate } from "../support/fuzz/raw-update.ts";
import { type LocalNode, startLocalNode } from "../support/local-node.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";

/** A victim who has written, and an edit with the victim's next hundred numbers, which waits for what never comes. */
async function attacked(store: MemoryDisk): Promise<{ readonly node: LocalNode; readonly victim: Client }> {
	const node = await startLocalNode({ store: new MemoryStore(store) });
	const document = new Y.Doc();
	document.clientID = 5;
	const [victim, attacker] = [node.client("doc", { document }), node.client("doc")];
	await Promise.all([victim.type("before").saved(), attacker.synced()]);
	const structs = [
		{ content: content.string("x"), origin: { client: 9, clock: 5 } },
		{ content: content.gc(100) },
	];
	sendUpdate(attacker, rawUpdate([{ client: 5, clock: 6, structs }]));
	await eventually("the forged to be held back", () => store.read("doc").entries.length > 1);
	return { node, victim };
}

async function storedText(store: MemoryDisk): Promise<string> {
	const node = await startLocalNode({ store: new MemoryStore(store) });
	const { text } = await node.client("doc").synced();
	return text.toString();
}

test("[DUR1] [TRN5] [CON1] what somebody writes is not taken for what waits under the same numbers", async () => {
	const store = new MemoryDisk();
	const { node, victim } = await attacked(store);
	const other = await node.client("doc").synced();
	for (const word of ["one", "two", "three"]) await victim.type(word).saved();
	const said = "beforeonetwothree";
	await eventually("the others to see it", () => other.text.toString() === said);
	await node.close();
	expect(await storedText(store)).toBe(said);
});

test("[DUR1] [TRN5] what a store has lost is stored anew with all of it, also under numbers for which something waits", async () => {
	const store = new MemoryDisk();
	const { node, victim } = await attacked(store);
	// At the beginning, so that Yjs has them as structs of their own.
	const write = (word: string) => {
		victim.text.insert(0, word);
		return victim.saved();
	};
	for (const word of ["one ", "two "]) await write(word);
	store.forget("doc", store.read("doc").entries.length - 1);
	await write("three ");
	await node.close();
	expect(await storedText(store)).toBe("three two one before");
});

test("[DUR1] [TRN5] a deletion of which a part waits already is applied as far as it can be", async () => {
	const store = new MemoryDisk();
	const node = await startLocalNode({ store: new MemoryStore(store) });
	const document = new Y.Doc();
	document.clientID = 5;
	const [author, other] = [node.client("doc", { document }), node.client("doc")];
	await Promise.all([author.type("a").saved(), other.synced()]);
	sendUpdate(other, rawUpdate([], [{ client: 5, ranges: [[1, 1]] }]));
	await eventually("the deletion to be held back", () => store.read("doc").entries.length > 1);
	sendUpdate(other, rawUpdate([], [{ client: 5, ranges: [[0, 2]] }]));
	await eventually("the others to see it", () => author.text.toString() === "");
	await node.close();
	expect(await storedText(store)).toBe("");
});
