import * as encoding from "lib0/encoding";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { type Addition, rootsTouchedBy } from "../../extensions/auth/roots-touched.ts";
import { Random, testSeed } from "../support/random.ts";

const roots = ["text", "comments", "list", "page"] as const;
type Root = (typeof roots)[number];

/** The update that `change` makes to a copy of the document. */
function updateOf(document: Y.Doc, change: (copy: Y.Doc) => void, clientId?: number): Uint8Array {
	const copy = new Y.Doc();
	if (clientId !== undefined) copy.clientID = clientId;
	Y.applyUpdate(copy, Y.encodeStateAsUpdate(document));
	const updates: Uint8Array[] = [];
	copy.on("update", (update: Uint8Array) => updates.push(update));
	change(copy);
	return Y.mergeUpdates(updates);
}

function touched(document: Y.Doc, update: Uint8Array, ahead?: readonly Addition[]): string[] | "unknown" {
	const result = rootsTouchedBy(document, update, ahead);
	return result.type === "known" ? [...result.roots].sort() : "unknown";
}

function sample(): Y.Doc {
	const document = new Y.Doc();
	document.getText("text").insert(0, "words that stay");
	const comment = new Y.Map<unknown>();
	document.getMap("comments").set("first", comment);
	comment.set("body", new Y.Text("a remark"));
	document.getArray("list").push([new Y.Map([["done", false]]), "plain"]);
	const paragraph = new Y.XmlElement("p");
	paragraph.insert(0, [new Y.XmlText("in XML")]);
	document.getXmlFragment("page").insert(0, [paragraph]);
	return document;
}

const changes: [string, (document: Y.Doc) => void, string[]][] = [
	["typing in a text", (document) => document.getText("text").insert(5, "!"), ["text"]],
	["typing at the end of a text", (document) => document.getText("text").insert(15, "!"), ["text"]],
	["formatting a text", (document) => document.getText("text").format(0, 5, { bold: true }), ["text"]],
	["deleting from a text", (document) => document.getText("text").delete(2, 3), ["text"]],
	["a new key", (document) => document.getMap("comments").set("second", 2), ["comments"]],
	["a replaced subtree", (document) => document.getMap("comments").set("first", "gone"), ["comments"]],
	["a deleted subtree", (document) => document.getMap("comments").delete("first"), ["comments"]],
	[
		"typing in a nested text",
		(document) =>
			((document.getMap("comments").get("first") as Y.Map<Y.Text>).get("body") as Y.Text).insert(2, "new "),
		["comments"],
	],
	[
		"a key of a map in a list",
		(document) => (document.getArray("list").get(0) as Y.Map<boolean>).set("done", true),
		["list"],
	],
	[
		"an attribute of an element",
		(document) => (document.getXmlFragment("page").get(0) as Y.XmlElement).setAttribute("class", "x"),
		["page"],
	],
	["a root that the document does not have", (document) => document.getMap("new").set("a", 1), ["new"]],
	["nothing", () => {}, []],
	[
		"a subtree that is made, filled and partly deleted",
		(document) => {
			const map = new Y.Map<unknown>();
			document.getMap("comments").set("third", map);
			map.set("text", new Y.Text("abc"));
			(map.get("text") as Y.Text).delete(0, 2);
		},
		["comments"],
	],
	[
		"two roots in one transaction",
		(document) =>
			document.transact(() => {
				document.getText("text").insert(0, "x");
				document.getMap("comments").set("second", 2);
			}),
		["comments", "text"],
	],
];

test.for(changes)("%s", ([, change, expected]) => {
	const document = sample();
	expect(touched(document, updateOf(document, change))).toEqual(expected);
});

test("a whole state holds no change for whoever has it, its deletions among them", () => {
	const document = sample();
	document.getText("text").delete(0, 5);
	document.getMap("comments").delete("first");
	const copy = new Y.Doc();
	Y.applyUpdate(copy, Y.encodeStateAsUpdate(document));
	copy.getMap("comments").set("mine", 1);
	expect(touched(document, Y.encodeStateAsUpdate(copy))).toEqual(["comments"]);
});

test("undo and redo of a subtree touch its root", () => {
	const document = sample();
	const update = updateOf(document, (copy) => {
		const undo = new Y.UndoManager(copy.getMap("comments"));
		copy.getMap("comments").set("x", new Y.Text("abc"));
		undo.undo();
		undo.redo();
	});
	expect(touched(document, update)).toEqual(["comments"]);
});

test("an edit inside something that was deleted and collected touches nothing", () => {
	const document = sample();
	const late = updateOf(document, (copy) =>
		((copy.getMap("comments").get("first") as Y.Map<Y.Text>).get("body") as Y.Text).insert(0, "late"),
	);
	document.getMap("comments").delete("first");
	expect(touched(document, late)).toEqual([]);
	const before = JSON.stringify(document.toJSON());
	Y.applyUpdate(document, late);
	expect(JSON.stringify(document.toJSON())).toBe(before);
});

test("an update that builds on a missing one is unknown, unless that one was let through before", () => {
	const document = sample();
	const copy = new Y.Doc();
	Y.applyUpdate(copy, Y.encodeStateAsUpdate(document));
	const updates: Uint8Array[] = [];
	copy.on("update", (update: Uint8Array) => updates.push(update));
	const map = new Y.Map<unknown>();
	copy.getMap("comments").set("k", map);
	map.set("a", 1);
	copy.getMap("comments").delete("k");
	const [first, second, third] = updates as [Uint8Array, Uint8Array, Uint8Array];
	expect(touched(document, second)).toBe("unknown");
	expect(touched(document, third)).toBe("unknown");
	const one = rootsTouchedBy(document, first);
	if (one.type === "unknown") throw new Error("the first is known");
	const two = rootsTouchedBy(document, second, one.additions);
	if (two.type === "unknown") throw new Error("the second is known");
	expect([...two.roots]).toEqual(["comments"]);
	expect(touched(document, third, [...one.additions, ...two.additions])).toEqual(["comments"]);
});

test("the document stays as it is", () => {
	const document = sample();
	const before = Y.encodeStateAsUpdate(document);
	const changed: unknown[] = [];
	document.on("afterTransaction", (transaction) => changed.push(transaction));
	rootsTouchedBy(
		document,
		updateOf(document, (copy) => copy.getText("text").insert(3, "x")),
	);
	expect(Y.encodeStateAsUpdate(document)).toEqual(before);
	expect(document.store.pendingStructs).toBeNull();
	expect(changed).toEqual([]);
});

/** A struct as no Yjs makes it; `@hocuspocus` clients could. */
interface ForgedItem {
	readonly client: number;
	readonly clock: number;
	readonly content: string;
	readonly origin?: readonly [number, number];
	readonly rightOrigin?: readonly [number, number];
	readonly parent?: string;
}

function forge({ client, clock, content, origin, rightOrigin, parent = "comments" }: ForgedItem): Uint8Array {
	return encoding.encode((encoder) => {
		for (const number of [1, 1, client, clock]) encoding.writeVarUint(encoder, number);
		const contentString = 4;
		encoding.writeUint8(encoder, contentString | (origin ? 128 : 0) | (rightOrigin ? 64 : 0));
		for (const id of [origin, rightOrigin]) for (const part of id ?? []) encoding.writeVarUint(encoder, part);
		if (origin === undefined && rightOrigin === undefined) {
			encoding.writeVarUint(encoder, 1);
			encoding.writeVarString(encoder, parent);
		}
		encoding.writeVarString(encoder, content);
		encoding.writeVarUint(encoder, 0);
	});
}

describe("forged updates", () => {
	const written = () => {
		const document = new Y.Doc();
		document.clientID = 1;
		document.getText("text").insert(0, "abc");
		document.getArray("comments").insert(0, ["x"]);
		return document;
	};

	test("neighbours in different roots count both", () => {
		expect(
			touched(written(), forge({ client: 9, clock: 0, content: "!", origin: [1, 3], rightOrigin: [1, 1] })),
		).toEqual(["comments", "text"]);
	});

	test("an item that goes on behind a known one is where that is, whatever it says", () => {
		const update = forge({ client: 1, clock: 2, content: "??INJECTED", parent: "comments" });
		const document = written();
		// Clock 3 is the array's; make the text's the last.
		document.getText("text").insert(3, "d");
		const last = Y.getState(document.store, 1);
		const overlapping = forge({ client: 1, clock: last - 1, content: "dINJECTED", parent: "comments" });
		expect(touched(document, overlapping)).toContain("text");
		expect(touched(document, update)).toContain("text");
	});

	test("the same behind one that was let through and is not here yet", () => {
		const document = written();
		const ahead = [{ client: 9, clock: 0, length: 3, root: "text" }];
		expect(touched(document, forge({ client: 9, clock: 2, content: "zINJECTED" }), ahead)).toContain("text");
	});

	test("a known item in a root that is not here would make that, and one with a missing neighbour would be held back", () => {
		expect(touched(written(), forge({ client: 1, clock: 0, content: "a", parent: "made up" }))).toEqual([
			"made up",
		]);
		expect(touched(written(), forge({ client: 1, clock: 0, content: "a", origin: [68, 0] }))).toBe("unknown");
	});

	test("two sections of one client are unknown: Yjs would read the last one only", () => {
		const [one, two] = [
			forge({ client: 9, clock: 0, content: "a" }),
			forge({ client: 9, clock: 1, content: "b" }),
		];
		const both = new Uint8Array([2, ...one.subarray(1, -1), ...two.subarray(1)]);
		expect(Y.decodeUpdate(both).structs).toHaveLength(2);
		expect(touched(written(), both)).toBe("unknown");
	});

	test("an item that is its own neighbour is unknown", () => {
		expect(touched(written(), forge({ client: 9, clock: 0, content: "!", origin: [9, 0] }))).toBe("unknown");
	});

	test("a gap before an item is unknown", () => {
		expect(touched(written(), forge({ client: 9, clock: 5, content: "!" }))).toBe("unknown");
	});

	test("a deletion of what is not here is unknown", () => {
		const update = encoding.encode((encoder) => {
			for (const number of [0, 1, 77, 1, 0, 5]) encoding.writeVarUint(encoder, number);
		});
		expect(touched(written(), update)).toBe("unknown");
	});

	test("a long chain of neighbours, from last to first, needs no deep stack", () => {
		const document = new Y.Doc();
		document.clientID = 2;
		const other = new Y.Doc();
		other.clientID = 1;
		// Each item is by the other one of two clients, so that none can be merged or is known before.
		for (let count = 0; count < 3_000; count += 1) {
			const [author, reader] = count % 2 === 0 ? [document, other] : [other, document];
			const before = Y.encodeStateVector(author);
			author.getArray("comments").push([count]);
			Y.applyUpdate(reader, Y.encodeStateAsUpdate(author, before));
		}
		expect(touched(new Y.Doc(), Y.encodeStateAsUpdate(document))).toEqual(["comments"]);
	});
});

test("what a random client changes in one root is found in that root and nowhere else", () => {
	const random = new Random(testSeed("roots touched"));
	for (let round = 0; round < 60; round += 1) {
		const server = new Y.Doc({ gc: random.next() < 0.7 });
		const clients = [1, 2, 3].map((clientId) => {
			const client = new Y.Doc();
			client.clientID = clientId;
			return client;
		});
		for (let step = 0; step < 60; step += 1) {
			const client = random.pick(clients);
			if (random.next() < 0.3)
				Y.applyUpdate(client, Y.encodeStateAsUpdate(server, Y.encodeStateVector(client)));
			// What it did offline is on the server already, so what comes is one change.
			const root = random.pick(roots);
			const updates: Uint8Array[] = [];
			const collect = (update: Uint8Array) => updates.push(update);
			client.on("update", collect);
			client.transact(() => changeSomething(client, root, random));
			client.off("update", collect);
			for (const update of updates) {
				const found = touched(server, update);
				expect(found === "unknown" || found.every((name) => name === root), `${root}: ${found}`).toBe(true);
				const changed = changedRoots(server, update);
				expect(found, `what Yjs changed: ${changed}`).not.toBe("unknown");
				for (const name of changed) expect(found).toContain(name);
			}
		}
	}
});

/** Applies the update. @returns The roots in which Yjs then reports a change. */
function changedRoots(document: Y.Doc, update: Uint8Array): Set<string> {
	const names = new Set<string>();
	document.once("afterTransaction", (transaction: Y.Transaction) => {
		for (const type of transaction.changed.keys()) {
			let at: Y.AbstractType<unknown> = type as Y.AbstractType<unknown>;
			while (at._item !== null) at = at._item.parent as Y.AbstractType<unknown>;
			for (const [name, root] of document.share) if (root === at) names.add(name);
		}
	});
	Y.applyUpdate(document, update);
	return names;
}

function changeSomething(document: Y.Doc, root: Root, random: Random): void {
	const at = (length: number) => Math.floor(random.next() * length);
	const dice = random.next();
	switch (root) {
		case "text": {
			const text = document.getText("text");
			if (dice < 0.3 && text.length > 0) text.delete(at(text.length), 1);
			else if (dice < 0.4 && text.length > 2) text.format(0, 2, { bold: true });
			else text.insert(at(text.length + 1), "ab");
			break;
		}
		case "comments": {
			const map = document.getMap("comments");
			const key = `k${at(4)}`;
			const value = map.get(key);
			if (dice < 0.2) map.delete(key);
			else if (value instanceof Y.Map && dice < 0.7) value.set(`n${at(3)}`, new Y.Text("nested"));
			else if (value instanceof Y.Array && dice < 0.7) value.push([new Y.Map([["a", 1]])]);
			else map.set(key, dice < 0.5 ? new Y.Map() : new Y.Array());
			break;
		}
		case "list": {
			const list = document.getArray("list");
			if (dice < 0.3 && list.length > 0) list.delete(at(list.length), 1);
			else if (dice < 0.6) list.insert(at(list.length + 1), [new Y.Text("x")]);
			else if (list.length > 0 && list.get(0) instanceof Y.Text) (list.get(0) as Y.Text).insert(0, "y");
			else list.insert(0, [1, 2]);
			break;
		}
		case "page": {
			const page = document.getXmlFragment("page");
			const first = page.length > 0 ? page.get(0) : undefined;
			if (dice < 0.2 && page.length > 0) page.delete(at(page.length), 1);
			else if (first instanceof Y.XmlElement && dice < 0.5) first.insert(0, [new Y.XmlText("t")]);
			else if (first instanceof Y.XmlElement && dice < 0.7) first.setAttribute("a", String(dice));
			else page.insert(at(page.length + 1), [new Y.XmlElement("p")]);
		}
	}
}

test("[ACC2] an empty item is unknown, also where others are known already: Yjs takes it in", () => {
	const document = new Y.Doc();
	document.clientID = 1;
	document.getText("comments").insert(0, "0123456789");
	// An item of no elements for the key "b" of "settings", at the end of what client 1 has written.
	const update = Buffer.from("0101010a28010873657474696e677301620000", "hex");
	expect(rootsTouchedBy(document, update)).toEqual({ type: "unknown" });
});
