import { Document } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import type { Clock } from "../../extensions/durability/clock.ts";
import type { DocumentEntry } from "../../extensions/durability/document-entry.ts";
import type { Follow } from "../../extensions/durability/store.ts";
import { StoreFollower } from "../../extensions/durability/store-follower.ts";
import { StoreReader } from "../../extensions/durability/store-reader.ts";
import { newEntry } from "../support/document-entry.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";
import { Typist } from "../support/typist.ts";

interface Node {
	readonly store: MemoryStore;
	readonly follower: StoreFollower;
	readonly text: string;
	/** The document has left memory. */
	unload(): void;
	/** It is there again. */
	load(): void;
}

/** A node that has one document open. */
async function startNode(disk: MemoryDisk, clock: Clock): Promise<Node> {
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
	return {
		store,
		follower,
		unload: () => entries.clear(),
		load() {
			entries.set("doc", newEntry(document));
			follower.loaded("doc");
		},
		get text() {
			return document.getText("text").toString();
		},
	};
}

function followOf({ follow }: MemoryStore): Follow {
	if (follow === undefined) throw new Error("the store is shared");
	return follow;
}

test("[CLU3] a node that loses Redis announces what it appends, also right after another one has announced", async () => {
	const disk = new MemoryDisk();
	const clock = new ManualClock();
	const [{ follower: cutOff }, { follower: other }] = [
		await startNode(disk, clock),
		await startNode(disk, clock),
	];
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

test("[CLU3] what a node that is cut off from Redis announces while another one can't be told, that one reads as soon as it listens again", async () => {
	const disk = new MemoryDisk();
	const clock = new ManualClock();
	const [cutOff, other] = [await startNode(disk, clock), await startNode(disk, clock)];
	await clock.pass(0);
	cutOff.follower.follow(true);
	await clock.pass(1_000);
	other.store.deafen();
	disk.append("doc", [new Typist().type("unheard")]);
	cutOff.follower.appended("doc");
	await clock.pass(1_000);
	other.store.undeafen();
	await clock.pass(1_000);
	expect(other.text).toBe("unheard");
});

test("[CLU3] a node that ends follows no more, though its bus finds Redis away only then", async () => {
	const clock = new ManualClock();
	let timers = 0;
	const counting: Clock = {
		now: () => clock.now(),
		afterTurn: (run) => clock.afterTurn(run),
		after: (delayMs, run) => {
			timers += 1;
			return clock.after(delayMs, run);
		},
		random: () => clock.random(),
	};
	const { follower } = await startNode(new MemoryDisk(), counting);
	follower.close();
	follower.follow(true);
	await clock.pass(60_000);
	expect(timers).toBe(0);
});

test("[CLU3] what is announced while a document is being loaded is read right afterwards", async () => {
	const disk = new MemoryDisk();
	const clock = new ManualClock();
	const [cutOff, other] = [await startNode(disk, clock), await startNode(disk, clock)];
	await clock.pass(0);
	cutOff.follower.follow(true);
	await clock.pass(1_000);
	other.unload();
	disk.append("doc", [new Typist().type("too late to be loaded")]);
	cutOff.follower.appended("doc");
	await clock.pass(1_000);
	other.load();
	await clock.pass(1_000);
	expect(other.text).toBe("too late to be loaded");
});
