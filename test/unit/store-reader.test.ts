import { Document } from "@hocuspocus/server";
import { expect, test } from "vitest";
import { StoreReader } from "../../extensions/durability/store-reader.ts";
import { newEntry } from "../support/document-entry.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";
import { Typist } from "../support/typist.ts";

test("[CLU3] a store that was silent for long is read again soon after it answered", async () => {
	const disk = new MemoryDisk();
	const store = new MemoryStore(disk, { isShared: true });
	await store.open();
	const document = new Document("a");
	const clock = new ManualClock();
	const entries = new Map([["a", newEntry(document)]]);
	const reader = new StoreReader({ store, clock, entries, onEvent: () => {} });
	store.hold();
	reader.read("a");
	await clock.pass(60_000);
	store.release();
	await clock.pass(0);
	const typist = new Typist();
	disk.append("a", [typist.type("by another node")]);
	reader.read("a");
	await clock.pass(1_000);
	expect(document.getText("text").toString()).toBe("by another node");
	reader.close();
	document.destroy();
});
