import { Document } from "@hocuspocus/server";
import { expect, test } from "vitest";
import type { DocumentEntry } from "../../extensions/durability/document-entry.ts";
import { DocumentLog } from "../../extensions/durability/document-log.ts";
import { StoreReader } from "../../extensions/durability/store-reader.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";
import { Typist } from "../support/typist.ts";

function entryOf(document: Document): DocumentEntry {
	return {
		document,
		log: new DocumentLog(document.name),
		loadedPosition: 0,
		readPosition: 0,
		isChangedHere: false,
		logBytes: 0,
		logUpdates: 0,
		snapshotBytes: 0,
		lastAppendMs: 0,
		compaction: { status: "none", notBeforeMs: 0 },
		pendingStructs: null,
		pendingDeletes: null,
	};
}

test("[CLU3] a store that was silent for long is read again soon after it answered", async () => {
	const disk = new MemoryDisk();
	const store = new MemoryStore(disk, { isShared: true });
	await store.open();
	const document = new Document("a");
	const clock = new ManualClock();
	const entries = new Map([["a", entryOf(document)]]);
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
