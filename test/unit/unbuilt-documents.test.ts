import { Document } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { applyEntries } from "../../extensions/durability/document-entry.ts";
import { StoredContent } from "../../extensions/durability/stored-content.ts";
import { buildWhenNeeded, unbuiltContent } from "../../extensions/durability/unbuilt-documents.ts";

function writtenUpdate(): Uint8Array {
	const author = new Y.Doc();
	author.getText("text").insert(0, "hello");
	author.getMap("map").set("key", "value");
	return Y.encodeStateAsUpdate(author);
}

function contentOf(update: Uint8Array): StoredContent {
	const entries = [{ position: 1, updates: [update] }];
	const content = StoredContent.of({
		snapshot: undefined,
		entries,
		position: 1,
		logBytes: update.byteLength,
	});
	if (content === undefined) throw new Error("it takes a document to say what it holds");
	return content;
}

/** A document of which nothing is built, and how often it was. */
function unbuilt() {
	const document = new Document("doc");
	onTestFinished(() => document.destroy());
	const content = contentOf(writtenUpdate());
	const builds = { count: 0 };
	buildWhenNeeded(document, content, () => {
		builds.count += 1;
		applyEntries(document, [{ position: 1, updates: content.updates }]);
	});
	expect(unbuiltContent(document)).toBe(content);
	return { document, builds };
}

function otherEdit(): Uint8Array {
	const other = new Y.Doc();
	other.getText("text").insert(0, "other ");
	return Y.encodeStateAsUpdate(other);
}

const looks: Record<string, (document: Document) => void> = {
	"reads a text": (document) => expect(document.getText("text").toString()).toBe("hello"),
	"reads all": (document) => expect(Y.encodeStateAsUpdate(document).byteLength).toBeGreaterThan(10),
	"looks for its roots": (document) => expect([...document.share.keys()]).toEqual(["text", "map"]),
	"counts its roots": (document) => expect(document.share.size).toBe(2),
	"looks whether there is a root": (document) => expect(document.share.has("text")).toBe(true),
	"asks whether it is empty": (document) => expect(document.isEmpty("map")).toBe(false),
	"asks what is held back": (document) => expect(document.store.pendingStructs).toBeNull(),
	"asks what it has": (document) => expect(Y.decodeStateVector(Y.encodeStateVector(document)).size).toBe(1),
	"writes at once": (document) => document.getText("text").insert(5, "!"),
	"begins a transaction": (document) => document.transact(() => {}),
	"applies an update": (document) => Y.applyUpdate(document, otherEdit()),
	"takes a snapshot": (document) => expect(Y.snapshot(document).sv.size).toBe(1),
};

test.each(Object.entries(looks))("[CON1] a document is built, once, when somebody %s", (_, look) => {
	const { document, builds } = unbuilt();
	look(document);
	expect(builds.count).toBe(1);
	expect(unbuiltContent(document)).toBeUndefined();
	expect(document.getText("text").toString()).toContain("hello");
	expect(document.getMap("map").get("key")).toBe("value");
	expect(builds.count).toBe(1);
});

test("[DUR1] listeners are told of what happens to it from then on, from the beginning to the end, and not of what was there", () => {
	const { document, builds } = unbuilt();
	const told: string[] = [];
	const updates: Uint8Array[] = [];
	const events = [
		"beforeAllTransactions",
		"beforeTransaction",
		"afterTransaction",
		"afterAllTransactions",
	] as const;
	for (const name of events) document.on(name, () => void told.push(name));
	document.on("update", (update: Uint8Array) => {
		told.push("update");
		updates.push(update);
	});
	const edit = otherEdit();
	Y.applyUpdate(document, edit);
	expect(builds.count).toBe(1);
	const whole = [
		"beforeAllTransactions",
		"beforeTransaction",
		"afterTransaction",
		"update",
		"afterAllTransactions",
	];
	expect(told).toEqual(whole);
	expect(updates).toEqual([edit]);
	expect(document._transactionCleanups).toEqual([]);
	document.getText("text").insert(0, "and ");
	expect(told).toEqual([...whole, ...whole]);
});

test("what somebody has taken from it before is what everybody has afterwards", () => {
	const { document } = unbuilt();
	const { store, share } = document;
	expect(store.clients.size).toBe(1);
	expect(document.store).not.toBe(store);
	document.getText("text").insert(0, "1");
	document.getArray("new");
	expect(store.clients).toBe(document.store.clients);
	expect([...share.keys()]).toEqual(["text", "map", "new"]);
	store.pendingDs = null;
	share.delete("new");
	expect(document.share.has("new")).toBe(false);
});

test("[DUR5] one that can't be built is nobody's: whoever looks into it is told why, each time", () => {
	const document = new Document("doc");
	onTestFinished(() => document.destroy());
	let builds = 0;
	const content = contentOf(writtenUpdate());
	buildWhenNeeded(document, content, () => {
		builds += 1;
		applyEntries(document, [{ position: 1, updates: content.updates }]);
		throw new Error("it breaks");
	});
	const updates: Uint8Array[] = [];
	document.on("update", (update: Uint8Array) => updates.push(update));
	for (let time = 0; time < 2; time += 1)
		for (const look of Object.values(looks)) expect(() => look(document)).toThrow("it breaks");
	expect(builds).toBe(1);
	expect(updates).toEqual([]);
	// Nobody is answered from it any more, either.
	expect(unbuiltContent(document)).toBeUndefined();
});
