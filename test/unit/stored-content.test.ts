import { Document } from "@hocuspocus/server";
import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { applyInTurns } from "../../extensions/durability/apply-in-turns.ts";
import { systemClock } from "../../extensions/durability/clock.ts";
import { applyEntries } from "../../extensions/durability/document-entry.ts";
import type { StoredDocument } from "../../extensions/durability/store.ts";
import { StoredContent } from "../../extensions/durability/stored-content.ts";
import { integratedState } from "../../extensions/durability/stored-updates.ts";
import { buildWhenNeeded, unbuiltContent } from "../../extensions/durability/unbuilt-documents.ts";
import { conflicts } from "../support/conflicts.ts";
import { collectedStructs } from "../support/forged-updates.ts";
import { Random, testSeed } from "../support/random.ts";

/** Everything that Yjs can hold but documents in documents. */
function editAnything(document: Y.Doc, random: Random): void {
	const text = document.getText(`text ${random.below(2)}`);
	const array = document.getArray<unknown>("array");
	const map = document.getMap<unknown>("map");
	switch (random.below(9)) {
		case 0:
		case 1:
			text.insert(random.below(text.length + 1), random.pick(["a", "añ", "añ😀", "\ud83d", "words words"]));
			break;
		case 2:
			if (text.length > 2) text.delete(random.below(text.length - 1), 1);
			break;
		case 3:
			text.applyDelta([{ insert: "bold", attributes: { bold: true, link: { href: "/" } } }]);
			break;
		case 4:
			text.insertEmbed(0, { image: "a" });
			break;
		case 5:
			map.set(`key ${random.below(4)}`, new Y.Map([["a", [1, 2.5, null, { deep: [true, "x😀", 10n] }]]]));
			break;
		case 6:
			array.insert(0, [random.bytes(random.below(20)), [undefined], 2 ** 40, -1, { a: {} }]);
			break;
		case 7:
			if (array.length > 3) array.delete(random.below(array.length - 2), 2);
			break;
		default:
			array.insert(0, [new Y.XmlElement("paragraph"), new Y.XmlHook("hook"), new Y.XmlText("é")]);
	}
}

/** People who write at the same time, and what the server has logged of it. */
function history(random: Random) {
	const server = new Y.Doc();
	const people = Array.from({ length: 1 + random.below(3) }, () => new Y.Doc());
	const log: Uint8Array[] = [];
	server.on("update", (update: Uint8Array) => log.push(update));
	for (let step = random.below(40); step >= 0; step -= 1) {
		const person = random.pick(people);
		editAnything(person, random);
		if (random.chance(0.6)) Y.applyUpdate(server, Y.encodeStateAsUpdate(person, Y.encodeStateVector(server)));
		if (random.chance(0.4)) Y.applyUpdate(person, Y.encodeStateAsUpdate(server, Y.encodeStateVector(person)));
	}
	for (const person of people) Y.applyUpdate(server, Y.encodeStateAsUpdate(person));
	return { server, people, log };
}

/** As compaction leaves it: what was logged first is merged. */
function storedOf(log: readonly Uint8Array[], merged: number): StoredDocument {
	const first = new Y.Doc();
	for (const update of log.slice(0, merged)) Y.applyUpdate(first, update);
	const rest = log.slice(merged);
	return {
		snapshot: merged === 0 ? undefined : { position: merged, update: Y.encodeStateAsUpdate(first) },
		entries: rest.map((update, n) => ({ position: merged + n + 1, updates: [update] })),
		position: log.length,
		logBytes: rest.reduce((sum, { byteLength }) => sum + byteLength, 0),
	};
}

async function built(stored: StoredDocument): Promise<Y.Doc> {
	const document = new Y.Doc();
	await applyInTurns(document, stored, systemClock);
	return document;
}

function contentsOf(document: Y.Doc): unknown {
	const texts = [0, 1].map((n) => document.getText(`text ${n}`).toDelta());
	const vector = [...Y.decodeStateVector(Y.encodeStateVector(document))].sort(([a], [b]) => a - b);
	return [texts, document.getArray("array").toJSON(), document.getMap("map").toJSON(), vector];
}

test("[CON1] what is stored answers whoever joins as the document answers that is made from it", async () => {
	const random = new Random(testSeed("stored-content"));
	let answered = 0;
	for (let round = 0; round < 250; round += 1) {
		const { server, people, log } = history(random);
		const merged = random.chance(0.5) ? log.length : random.below(log.length + 1);
		const stored = storedOf(log, merged);
		const content = StoredContent.of(stored);
		if (content === undefined) continue;
		answered += 1;
		const document = await built(stored);
		expect(content.stateVector).toEqual(Y.encodeStateVector(document));
		expect(contentsOf(document)).toEqual(contentsOf(server));
		// Some have nothing, some all of it, and some have written more since.
		const ahead = new Y.Doc();
		Y.applyUpdate(ahead, Y.encodeStateAsUpdate(server));
		editAnything(ahead, random);
		const same = new Y.Doc();
		Y.applyUpdate(same, Y.encodeStateAsUpdate(server));
		for (const client of [...people, new Y.Doc(), same, ahead]) {
			const known = Y.encodeStateVector(client);
			const answers = [content.difference(known), integratedState(document, known)];
			const [one, other] = answers.map((answer) => {
				// Half of a character is another one when it has been sent.
				const copy = new Y.Doc();
				Y.applyUpdate(copy, Y.encodeStateAsUpdate(client));
				Y.applyUpdate(copy, answer);
				expect(copy.store.pendingStructs).toBeNull();
				return contentsOf(copy);
			});
			expect(one).toEqual(other);
		}
	}
	// Otherwise nothing was looked at.
	expect(answered).toBeGreaterThan(50);
});

test("[CON1] it answers nobody where a document made from it would hold something back", async () => {
	const random = new Random(testSeed("stored-content-held-back"));
	const left = { answering: 0, refusing: 0 };
	for (let round = 0; round < 400; round += 1) {
		const { log } = history(random);
		// Something was lost, or came in another order, or twice.
		const at = random.below(log.length);
		const [one] = log.splice(at, 1);
		if (random.chance(0.6) && one !== undefined) log.splice(random.below(log.length + 1), 0, one);
		if (random.chance(0.2) && one !== undefined) log.push(one);
		const stored = storedOf(log, 0);
		const content = StoredContent.of(stored);
		if (content === undefined) {
			left.refusing += 1;
			continue;
		}
		left.answering += 1;
		const document = await built(stored);
		expect(document.store.pendingStructs).toBeNull();
		expect(document.store.pendingDs).toBeNull();
		expect(content.stateVector).toEqual(Y.encodeStateVector(document));
	}
	expect(left.answering).toBeGreaterThan(10);
	expect(left.refusing).toBeGreaterThan(10);
});

/** What somebody does with a document; each of them may be the first to look into it. */
const looks: readonly ((document: Document, person: Y.Doc, random: Random) => unknown)[] = [
	(document, person) =>
		Y.applyUpdate(document, Y.encodeStateAsUpdate(person, Y.encodeStateVector(document)), "sync"),
	(document, person) => Y.applyUpdate(document, Y.encodeStateAsUpdate(person), "all"),
	(document, person) => {
		// What it builds on may be missing.
		const updates: Uint8Array[] = [];
		person.once("update", (update: Uint8Array) => updates.push(update));
		person.getText("text 0").insert(0, "last");
		for (const update of updates) Y.applyUpdate(document, update, "lone");
	},
	(document, person) => Y.applyUpdate(document, deletionsOf(person), "deletions"),
	(document, _, random) => editAnything(document, random),
	(document, _, random) => document.transact(() => editAnything(document, random), "server"),
	(document, _, random) =>
		new Y.Doc().transact(() => document.transact(() => editAnything(document, random))),
	(document, _, random) => {
		const undo = new Y.UndoManager(document.getText("text 0"));
		document.getText("text 0").insert(0, random.pick(["x", "yz"]));
		undo.undo();
		undo.destroy();
	},
	(document, person) => void document.merge(person),
	(document) => [document.isEmpty("array"), document.isEmpty("none"), document.toJSON()],
	(document) => document.get("array").toJSON(),
	(document) => document.getMap("map").size,
	(document, person) => integratedState(document, Y.encodeStateVector(person)),
	(document) => Y.encodeStateVector(document),
	(document) => [...document.share.keys()],
	(document) => Y.encodeSnapshot(Y.snapshot(document)),
	(document) => document.getText("array"),
];

function deletionsOf(document: Y.Doc): Uint8Array {
	return Y.encodeStateAsUpdate(document, Y.encodeStateVector(document));
}

const tellingEvents = [
	"beforeAllTransactions",
	"beforeTransaction",
	"beforeObserverCalls",
	"afterTransaction",
	"afterTransactionCleanup",
	"update",
	"afterAllTransactions",
	"subdocs",
] as const;

/** Notes what is told of a document from now on. */
function listenTo(document: Document): unknown[] {
	const told: unknown[] = [];
	for (const name of tellingEvents)
		document.on(name, (...payload: unknown[]) => {
			const [update, origin] = payload;
			told.push(
				name === "update" ? [name, update, typeof origin === "string" ? origin : typeof origin] : name,
			);
		});
	return told;
}

function outcome(act: () => unknown): unknown {
	try {
		const value = act();
		return value instanceof Y.AbstractType ? value.toJSON() : value;
	} catch (error) {
		return String(error);
	}
}

test("[CON1] [DUR1] whatever is done first with a document that is not built, it and its listeners see what they would if it were", async () => {
	const seed = testSeed("unbuilt");
	let compared = 0;
	for (let round = 0; round < 400; round += 1) {
		const random = new Random(seed + round);
		const said = `seed ${seed + round}`;
		const { people, log } = history(random);
		const stored = storedOf(log, random.chance(0.5) ? log.length : random.below(log.length + 1));
		const content = StoredContent.of(stored);
		if (content === undefined) continue;
		compared += 1;
		const documents = [new Document("doc"), new Document("doc")] as const;
		const [lazy, eager] = documents;
		buildWhenNeeded(lazy, content, () => applyEntries(lazy, [{ position: 1, updates: content.updates }]));
		await applyInTurns(eager, stored, systemClock);
		const told = documents.map(listenTo);
		const offline = random.pick([...people, new Y.Doc()]);
		for (let edits = random.below(4); edits > 0; edits -= 1) editAnything(offline, random);
		const behind = Y.encodeStateAsUpdate(offline);
		for (const document of documents) document.clientID = 77;
		for (let step = 0; step < 4; step += 1) {
			const look = random.pick(looks);
			const ownSeed = random.below(2 ** 31);
			const [one, other] = documents.map((document) => {
				const person = new Y.Doc();
				person.clientID = 88 + step;
				Y.applyUpdate(person, behind);
				return outcome(() => look(document, person, new Random(ownSeed)));
			});
			expect(one, said).toEqual(other);
			expect(unbuiltContent(lazy), said).toBeUndefined();
			expect(told[0], said).toEqual(told[1]);
		}
		expect(Y.encodeStateAsUpdate(lazy), said).toEqual(Y.encodeStateAsUpdate(eager));
		expect([lazy.store.pendingStructs, lazy.store.pendingDs], said).toEqual([
			eager.store.pendingStructs,
			eager.store.pendingDs,
		]);
		for (const document of documents) document.destroy();
	}
	expect(compared).toBeGreaterThan(100);
});

function logged(...updates: Uint8Array[]): StoredDocument {
	return storedOf(updates, 0);
}

function updateOf(edit: (document: Y.Doc) => void): Uint8Array {
	const document = new Y.Doc();
	edit(document);
	return Y.encodeStateAsUpdate(document);
}

/** With the first of these bytes changed. */
function patched(update: Uint8Array, from: string, to: string): Uint8Array {
	const bytes = Buffer.from(update);
	const at = bytes.indexOf(from, 0, "latin1");
	expect(at).toBeGreaterThan(0);
	bytes.write(to, at, "latin1");
	return new Uint8Array(bytes);
}

const structs = (length: number) => collectedStructs([{ client: 1, clock: 0, length }]);
const embed = updateOf((document) => document.getText("t").insertEmbed(0, { a: "b" }));
const text = updateOf((document) => document.getText("t").insert(0, "hello"));

const anything = updateOf((document) => document.getArray("a").insert(0, [null]));

/** Clients' first characters, each of which is next to another client's. */
function next(...structs: (readonly [client: number, to: number])[]): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarUint(encoder, structs.length);
		for (const [client, to] of structs) {
			for (const number of [1, client, 0]) encoding.writeVarUint(encoder, number);
			encoding.writeUint8(encoder, 0b1000_0100);
			for (const number of [to, 0]) encoding.writeVarUint(encoder, number);
			encoding.writeVarString(encoder, "a");
		}
		encoding.writeVarUint(encoder, 0);
	});
}

test.each([
	["nothing", logged()],
	["a document in a document", logged(updateOf((d) => d.getMap("m").set("d", new Y.Doc())))],
	["more than a few ms of Yjs", logged(updateOf((d) => d.getText("t").insert(0, "x".repeat(20_000))))],
	["more structs than may be in conflict with each other", logged(conflicts(800))],
	["a number of updates that takes long to merge", logged(...Array.from({ length: 65 }, () => structs(1)))],
	[
		"two sections of one client",
		logged(collectedStructs([0, 1].map((clock) => ({ client: 1, clock, length: 1 })))),
	],
	["something after its end", logged(Buffer.concat([structs(1), Buffer.of(0)]))],
	["a value that is no JSON", logged(patched(embed, "{", "x"))],
	["a text that is not UTF-8", logged(patched(text, "hello", "h\xffllo"))],
	["values that are nested deep", logged(updateOf((d) => d.getArray("a").insert(0, [nested(150)])))],
	["a value in JSON that is not UTF-8", logged(patched(embed, "a", "\xff"))],
	["a value of no kind that there is", logged(patched(anything, "\x7e", "\xc8"))],
	["what waits for each other", logged(next([2, 1], [1, 2]))],
	["what waits for each other, logged one by one", logged(next([2, 1]), next([1, 2]))],
	["what is cut off", logged(text.subarray(0, 9))],
])("[DUR5] it answers nobody where it takes Yjs to say what it is: %s", (_, stored) => {
	expect(StoredContent.of(stored)).toBeUndefined();
});

function nested(levels: number): unknown {
	let value: unknown = 1;
	for (let level = 0; level < levels; level += 1) value = [value];
	return value;
}

test("what brings somebody up to date who has all of it is its deletions, whatever else is in it", () => {
	const document = new Y.Doc();
	document.getText("t").insert(0, "x".repeat(10_000));
	document.getText("t").delete(5, 1);
	const content = StoredContent.of(logged(Y.encodeStateAsUpdate(document)));
	expect(content?.difference(Y.encodeStateVector(document))).toEqual(
		Y.encodeStateAsUpdate(document, Y.encodeStateVector(document)),
	);
});
