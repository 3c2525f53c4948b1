import { Document } from "@hocuspocus/server";
import { expect, test } from "vitest";
import { DamagedDocumentError } from "../../extensions/durability/store.ts";
import { StoreReader, type StoreReaderEvent } from "../../extensions/durability/store-reader.ts";
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

test("[CLU3] [DUR5] a document whose snapshot is damaged holds up no other one, and is reported once", async () => {
	const disk = new MemoryDisk();
	const store = new MemoryStore(disk, { isShared: true });
	await store.open();
	const documents = ["alone", "damaged", "good"].map((name) => new Document(name));
	const clock = new ManualClock();
	const entries = new Map(documents.map((document) => [document.name, newEntry(document)]));
	const events: StoreReaderEvent[] = [];
	const reader = new StoreReader({ store, clock, entries, onEvent: (event) => events.push(event) });
	for (const name of entries.keys()) disk.append(name, [new Typist().type("by another node")]);
	await store.compact("damaged", { gc: true });
	// Reading along with the log shows nothing of it.
	const load = store.load.bind(store);
	store.load = async (name) => {
		if (name === "damaged") throw new DamagedDocumentError(name, "its snapshot does not match its checksum");
		return load(name);
	};
	for (let round = 0; round < 3; round += 1) {
		// The first one goes by itself, the others together.
		for (const name of entries.keys()) reader.read(name);
		for (let seconds = 0; seconds < 5; seconds += 1) await clock.pass(1_000);
	}
	const texts = documents.map((document) => document.getText("text").toString());
	expect(texts).toEqual(["by another node", "", "by another node"]);
	expect(events).toMatchObject([{ type: "reading-damaged", documentName: "damaged" }]);
	reader.close();
	for (const document of documents) document.destroy();
});

test("[CLU3] after the store has lost entries that were read, those that others have put in their place are read", async () => {
	const disk = new MemoryDisk();
	const store = new MemoryStore(disk, { isShared: true });
	await store.open();
	const document = new Document("a");
	const clock = new ManualClock();
	const entry = newEntry(document);
	const events: StoreReaderEvent[] = [];
	const reader = new StoreReader({
		store,
		clock,
		entries: new Map([["a", entry]]),
		onEvent: (event) => events.push(event),
	});
	const read = async () => {
		reader.read("a");
		await clock.pass(1_000);
	};
	const typist = new Typist();
	for (const word of ["kept ", "lost ", "lost, too "]) disk.append("a", [typist.type(word)]);
	await read();
	// What is appended here from now on builds on it.
	expect(entry.log.position).toBe(3);
	disk.forget("a", 2);
	disk.append("a", [new Typist().type("(second)")]);
	await read();
	for (const word of ["(third)", "(fourth)"]) disk.append("a", [new Typist().type(word)]);
	await read();
	const text = document.getText("text").toString();
	for (const word of ["kept lost lost, too ", "(second)", "(third)", "(fourth)"])
		expect(text).toContain(word);
	expect(events).toEqual([]);
	reader.close();
	document.destroy();
});

test("[CLU3] while the store can't be read the operator is told why, and no longer than that", async () => {
	const store = new MemoryStore(new MemoryDisk(), { isShared: true });
	await store.open();
	const document = new Document("a");
	const clock = new ManualClock();
	const entries = new Map([["a", newEntry(document)]]);
	const events: StoreReaderEvent["type"][] = [];
	const reader = new StoreReader({ store, clock, entries, onEvent: ({ type }) => events.push(type) });
	const { follow } = store;
	if (follow === undefined) throw new Error("it can be followed");
	const { entriesAfter } = follow;
	expect(reader.problems).toEqual([]);
	follow.entriesAfter = async () => {
		throw new Error("the connection was closed");
	};
	reader.read("a");
	await clock.pass(3_500);
	expect(reader.problems).toEqual(["what other nodes have stored can't be read: the connection was closed"]);
	follow.entriesAfter = entriesAfter.bind(follow);
	await clock.pass(2_000);
	expect(reader.problems).toEqual([]);
	expect(events).toEqual(["reading-failed", "reading-recovered"]);
	reader.close();
	document.destroy();
});
