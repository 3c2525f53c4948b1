import { expect, test } from "vitest";
import * as Y from "yjs";
import { eventually } from "../support/eventually.ts";
import { sendUpdate } from "../support/forged-updates.ts";
import { content, rawUpdate } from "../support/fuzz/raw-update.ts";
import { startLocalNode } from "../support/local-node.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";

test("[DUR1] [TRN5] what a store has lost is stored anew with all of it, also what somebody has forged numbers of", async () => {
	const disk = new MemoryDisk();
	const first = await startLocalNode({ store: new MemoryStore(disk) });
	const document = new Y.Doc();
	document.clientID = 5;
	const [victim, attacker] = [first.client("doc", { document }), first.client("doc")];
	await Promise.all([victim.type("before").saved(), attacker.synced()]);
	// It waits for what never comes, and takes the next hundred numbers.
	const forged = [
		{ content: content.string("x"), origin: { client: 9, clock: 5 } },
		{ content: content.gc(100) },
	];
	sendUpdate(attacker, rawUpdate([{ client: 5, clock: 6, structs: forged }]));
	await eventually("the forged to be held back", () => disk.read("doc").entries.length > 1);
	for (const word of ["one", "two"]) await victim.type(word).saved();
	disk.forget("doc", disk.read("doc").entries.length - 1);
	await victim.type("three").saved();
	const said = victim.text.toString();
	await first.close();
	victim.destroy();
	const second = await startLocalNode({ store: new MemoryStore(disk) });
	const reader = await second.client("doc").synced();
	expect(reader.text.toString()).toBe(said);
});
