import { Document } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import type { DocumentEntry } from "../../extensions/durability/document-entry.ts";
import type { Follow } from "../../extensions/durability/store.ts";
import { StoreFollower } from "../../extensions/durability/store-follower.ts";
import { StoreReader } from "../../extensions/durability/store-reader.ts";
import { newEntry } from "../support/document-entry.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";

/** A node that has one document open. */
async function startNode(disk: MemoryDisk, clock: ManualClock): Promise<StoreFollower> {
	const store = new MemoryStore(disk, { isShared: true });
	await store.open();
	const document = new Document("doc");
	const entries = new Map<string, DocumentEntry>([["doc", newEntry(document)]]);
	const reader = new StoreReader({ store, clock, entries, onEvent: () => {} });
	const follower = new StoreFollower({ follow: followOf(store), reader, clock, entries });
	follower.start();
	follower.follow(false);
	onTestFinished(() => {
		follower.close();
		reader.close();
		document.destroy();
	});
	return follower;
}

function followOf({ follow }: MemoryStore): Follow {
	if (follow === undefined) throw new Error("the store is shared");
	return follow;
}

test("[CLU3] a node that loses Redis announces what it appends, also right after another one has announced", async () => {
	const disk = new MemoryDisk();
	const clock = new ManualClock();
	const [cutOff, other] = [await startNode(disk, clock), await startNode(disk, clock)];
	const announced: string[] = [];
	followOf(new MemoryStore(disk, { isShared: true })).listen((signal) => {
		if (signal.type === "announced" && signal.concerns("doc")) announced.push("doc");
	});
	// It was cut off for a moment, and the other one answers when that is over.
	cutOff.follow(true);
	cutOff.follow(false);
	await clock.pass(0);
	other.appended("doc");
	await clock.pass(3_000);
	cutOff.follow(true);
	await clock.pass(5_000);
	announced.length = 0;
	cutOff.appended("doc");
	await clock.pass(0);
	expect(announced).toEqual(["doc"]);
});
