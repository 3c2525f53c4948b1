import { expect, test } from "vitest";
import * as Y from "yjs";
import { collectCarefully } from "../../extensions/durability/careful-collection.ts";
import { applyStored, type DocumentEntry, takeHeldBack } from "../../extensions/durability/document-entry.ts";
import { merge } from "../../extensions/durability/merge.ts";
import { StoredContent } from "../../extensions/durability/stored-content.ts";
import {
	applyStoredUpdate,
	integratedState,
	wholeState,
} from "../../extensions/durability/stored-updates.ts";
import { readUpdate } from "../../extensions/durability/update-ends.ts";
import { applyBounded, unboundedEffort } from "../../extensions/sync/bounded-apply.ts";
import { LoneUpdates } from "../../extensions/sync/lone-update.ts";
import { mutate } from "../support/fuzz/mutate.ts";
import { type KnownClients, randomUpdate } from "../support/fuzz/random-update.ts";
import { content, rawUpdate } from "../support/fuzz/raw-update.ts";
import { history } from "../support/history.ts";
import { Random, testSeed } from "../support/random.ts";

const documents = Number(process.env.INDELIBLE_FUZZ_ROUNDS ?? 300);

/** A document, and what the log has of it, as Durability writes it. */
class Logged {
	readonly document = new Y.Doc();
	readonly log: Uint8Array[] = [];
	readonly #lone = new LoneUpdates(this.document);

	constructor() {
		const { document, log } = this;
		collectCarefully(document);
		const entry = { document, pendingStructs: null, pendingDeletes: null } as unknown as DocumentEntry;
		document.on("update", (update: Uint8Array) => log.push(update));
		document.on("afterTransaction", () => log.push(...takeHeldBack(entry)));
	}

	/** As for clients whose edits come together; what Yjs breaks over costs its sender the connection. */
	receive(...updates: readonly Uint8Array[]): void {
		const received = updates.flatMap((update) => {
			try {
				return [{ update, admitted: readUpdate(update) }];
			} catch {
				return [];
			}
		});
		const [first] = received;
		const apply = (transaction: Y.Transaction) => {
			if (first !== undefined && received.length === 1)
				this.#lone.expect(transaction, first.update, first.admitted);
			for (const { update, admitted } of received) {
				try {
					applyBounded(this.document, update, unboundedEffort, admitted.decoded);
				} catch {
					// Or whoever sends the next update, and what is held back with it: see `AckGate.failed`.
				}
			}
		};
		try {
			Y.transact(this.document, apply, "somebody", false);
		} finally {
			this.#lone.forget();
		}
	}

	/** As the store does, with what it has. */
	compact(): void {
		this.log.splice(0, this.log.length, merge(this.stored, true));
	}

	get stored() {
		return { snapshot: undefined, entries: [{ position: 1, updates: this.log }] };
	}
}

function madeFrom(updates: readonly Uint8Array[]): Y.Doc {
	const document = new Y.Doc();
	applyStored(document, {
		snapshot: undefined,
		entries: [{ position: 1, updates }],
		position: 1,
		logBytes: 0,
	});
	return document;
}

/** Whose structs are missing in a document that another one has. */
function missingIn(document: Y.Doc, other: Y.Doc): number[] {
	const [has, wanted] = [document, other].map((one) => Y.decodeStateVector(Y.encodeStateVector(one)));
	return [...(wanted ?? [])]
		.filter(([client, end]) => (has?.get(client) ?? 0) < end)
		.map(([client]) => client);
}

test(`[TRN5] [DUR5] ${documents} documents of edits that were put together by chance can be opened, compacted and joined, with all that they had`, () => {
	const seed = testSeed("stored updates");
	for (let round = 0; round < documents; round += 1) expectAllKept(seed + round);
}, 3_600_000);

test("[TRN5] [DUR5] a deleted type in which something is not deleted keeps nobody from the document: seed 1640843410", () => {
	expectAllKept(1_640_843_410);
});

function expectAllKept(seed: number): void {
	const random = new Random(seed);
	const logged = new Logged();
	const honest = history(random, 40);
	let at = 0;
	const { document, log } = logged;
	for (let edits = random.below(random.chance(0.3) ? 5 : 40); edits > 0; edits -= 1) {
		const known: KnownClients = Y.decodeStateVector(Y.encodeStateVector(document));
		const together = random.chance(0.7) ? 1 : 1 + random.below(4);
		const one = () => {
			if (random.chance(0.5)) return randomUpdate(random, known);
			if (random.chance(0.5)) return mutate(random, random.pick(honest), honest);
			return honest[at++ % honest.length] as Uint8Array;
		};
		logged.receive(...Array.from({ length: together }, one));
		if (random.chance(0.05)) logged.compact();
	}
	const said = `seed ${seed}`;
	expect(document._transactionCleanups, said).toEqual([]);
	const reopened = madeFrom(log);
	expect(missingIn(reopened, document), said).toEqual([]);
	const snapshot = merge(logged.stored, true);
	expect(missingIn(madeFrom([snapshot]), reopened), said).toEqual([]);
	const unbuilt = StoredContent.of({ ...logged.stored, position: 1, logBytes: 0 });
	if (unbuilt !== undefined) {
		expect(reopened.store.pendingStructs, said).toBeNull();
		const joined = madeFrom([unbuilt.whole]);
		expect([missingIn(joined, reopened), missingIn(reopened, joined)], said).toEqual([[], []]);
		expect(Y.encodeStateAsUpdate(joined).length, said).toBe(Y.encodeStateAsUpdate(reopened).length);
		expect(Y.decodeStateVector(unbuilt.stateVector), said).toEqual(
			Y.decodeStateVector(Y.encodeStateVector(reopened)),
		);
	}
	expect(missingIn(madeFrom([wholeState(document)]), document), said).toEqual([]);
	expect(missingIn(madeFrom([integratedState(document)]), document), said).toEqual([]);
}

/** Somebody who writes next to whatever is there, and has all that the node tells. */
class Person {
	readonly document = new Y.Doc();
	#written = 0;

	constructor(clientID: number, logged: Logged) {
		this.document.clientID = clientID;
		logged.document.on("update", (update: Uint8Array) => Y.applyUpdate(this.document, update));
	}

	/** @returns What is sent. */
	write(): Uint8Array {
		const words = this.document.getArray("words");
		const before = Y.encodeStateVector(this.document);
		this.#written += 1;
		words.insert(words.length >> 1, [`word ${this.document.clientID}.${this.#written}`]);
		return Y.encodeStateAsUpdate(this.document, before);
	}
}

function wordsIn(document: Y.Doc): unknown[] {
	const words = document.getArray("words").toArray();
	return words.filter((word) => typeof word === "string" && word.startsWith("word ")).sort();
}

/** Attackers take each other's numbers, and somebody writes next to what they have made. */
function expectWordsKept(seed: number, turnsMax: number): void {
	const random = new Random(seed);
	const logged = new Logged();
	const people = [new Person(1_000, logged), new Person(2_000, logged)];
	const spared = new Set([1_000, 2_000]);
	for (let turns = random.below(turnsMax); turns > 0; turns -= 1) {
		const known: KnownClients = Y.decodeStateVector(Y.encodeStateVector(logged.document));
		const one = () =>
			random.chance(0.3) ? random.pick(people).write() : randomUpdate(random, known, spared);
		const together = random.chance(0.7) ? 1 : 1 + random.below(4);
		logged.receive(...Array.from({ length: together }, one));
	}
	const written = wordsIn(logged.document);
	expect(wordsIn(madeFrom(logged.log)), `opened, seed ${seed}`).toEqual(written);
	expect(wordsIn(madeFrom([merge(logged.stored, true)])), `compacted, seed ${seed}`).toEqual(written);
	expect(wordsIn(madeFrom([integratedState(logged.document)])), `joined, seed ${seed}`).toEqual(written);
}

test(`[TRN5] [DUR1] ${documents} documents in which somebody writes between edits that were put together by chance have all of it when they are opened, compacted and joined`, () => {
	const seed = testSeed("words among stored updates");
	for (let round = 0; round < documents; round += 1) expectWordsKept(seed + round, 80);
}, 3_600_000);

test.for([1_360_246_311, 1_360_246_560, 1_360_247_099, 5_000_531, 5_000_754])(
	"[TRN5] [DUR1] what was held back is not taken in sooner, when a document is opened, than it was: seed %i",
	(seed) => expectWordsKept(seed, 500),
);

test.for([5_175, 10_514])(
	"[DUR1] [TRN5] what waits is not lost over what somebody has made wait beside it, and Yjs can't take in: seed %i",
	(seed) => {
		const random = new Random(seed);
		const logged = new Logged();
		const author = new Y.Doc();
		author.clientID = 777;
		const write = (text: string) => {
			const before = Y.encodeStateVector(author);
			author.getText("honest").insert(author.getText("honest").length, text);
			return Y.encodeStateAsUpdate(author, before);
		};
		const [missing, waiting] = [write("one "), write("two")];
		const at = random.below(30);
		const last = at + random.below(10);
		for (let edit = 0; edit <= last; edit += 1) {
			const known: KnownClients = Y.decodeStateVector(Y.encodeStateVector(logged.document));
			logged.receive(edit === at ? waiting : randomUpdate(random, known));
		}
		const snapshot = merge(logged.stored, true);
		const documents = [logged.document, madeFrom(logged.log), madeFrom([snapshot])];
		for (const document of documents) {
			applyStoredUpdate(document, missing);
			expect(document.getText("honest").toString()).toBe("one two");
		}
	},
);

const text = content.string("x");
/** lib0 reads it, inexactly, and does not read what it writes of that. */
const beyondNumbers = { client: 57_002_279_559_509_080n, clock: 0 };

test.for([
	["is next to itself", [[{ content: text, origin: { client: 8, clock: 0 } }]], []],
	[
		"is before what comes later",
		[[{ content: text }, { content: text, rightOrigin: { client: 8, clock: 2 } }]],
		[],
	],
	["is in itself", [[{ content: content.type(0), parent: { client: 8, clock: 0 } }]], []],
	["is there twice", [[{ content: text }], [{ content: text }]], []],
	["deletes nothing", [], [[5, 0]]],
	[
		"deletes the same twice",
		[],
		[
			[5, 3],
			[6, 3],
		],
	],
	[
		"deletes backwards",
		[],
		[
			[5, 3],
			[1, 3],
		],
	],
	["deletes further than numbers go", [], [[2, 2 ** 53 - 1]]],
	["is next to what is further than numbers go", [[{ content: text, origin: beyondNumbers }]], []],
	["is before what is further than numbers go", [[{ content: text, rightOrigin: beyondNumbers }]], []],
	["is in what is further than numbers go", [[{ content: text, parent: beyondNumbers }]], []],
] as const)(
	"[TRN5] an update that %s is refused: Yjs would not read back what it writes of it",
	([, sections, ranges]) => {
		const update = rawUpdate(
			sections.map((structs) => ({ client: 8, clock: 0, structs })),
			ranges.length === 0 ? [] : [{ client: 8, ranges }],
		);
		expect(() => readUpdate(update)).toThrow("the update");
	},
);

test("[TRN5] an update that deletes what is of a client further than numbers go is refused", () => {
	const update = rawUpdate([], [{ client: beyondNumbers.client, ranges: [[0, 1]] }]);
	expect(() => readUpdate(update)).toThrow("the update counts further than numbers go");
});

test("[TRN5] [CON1] values may be nested 200 deep: a client may not be able to read more than that, whatever the server can", () => {
	const nested = (levels: number) => {
		let value: unknown = new Uint8Array(3);
		for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [1, value] : { key: value };
		return value;
	};
	for (const [levels, isRead] of [
		[200, true],
		[201, false],
		[3_000, false],
	] as const) {
		const json = JSON.stringify(nested(levels));
		const contents = [
			content.any(nested(levels)),
			content.json(json),
			content.embed(json),
			content.format("f", json),
			content.document("guid", { meta: nested(levels - 1) }),
		];
		for (const [index, held] of contents.entries()) {
			// Bytes are an object in JSON.
			const isJson = index > 0 && index < 4;
			const update = rawUpdate([{ client: 8, clock: 0, structs: [{ content: held }] }]);
			const read = () => readUpdate(update);
			if (isRead && !isJson) expect(read).not.toThrow();
			if (!isRead) expect(read).toThrow("too deep");
		}
	}
});

test("[TRN5] [DUR1] edits that somebody has held back under another's number hide nothing of what that one writes, in a snapshot or from who joins", () => {
	const logged = new Logged();
	const victim = new Y.Doc();
	victim.clientID = 5;
	const send = () => logged.receive(Y.encodeStateAsUpdate(victim, Y.encodeStateVector(logged.document)));
	victim.getText("text").insert(0, "before");
	send();
	// It waits for what never comes, and takes the next hundred numbers.
	logged.receive(
		rawUpdate([
			{
				client: 5,
				clock: 6,
				structs: [{ content: text, origin: { client: 9, clock: 5 } }, { content: content.gc(100) }],
			},
		]),
	);
	for (const word of ["one", "two", "three"]) {
		victim.getText("text").insert(0, word);
		send();
	}
	const said = "threetwoonebefore";
	expect(logged.document.getText("text").toString()).toBe(said);
	const snapshot = merge(logged.stored, true);
	for (const made of [
		madeFrom([snapshot]),
		madeFrom([integratedState(logged.document)]),
		madeFrom(logged.log),
	])
		expect(made.getText("text").toString()).toBe(said);
});

test("[TRN5] [CON1] another node's snapshot is brought into a document that has other structs with the same numbers", () => {
	const seed = testSeed("another node's snapshot");
	const failed = [1_801, 2_603, 3_201, 4_415];
	const seeds = [...failed, ...Array.from({ length: documents }, (_, round) => seed + round)];
	for (const one of seeds) {
		const random = new Random(one);
		const [here, there] = [new Logged(), new Logged()];
		for (let edits = random.below(40); edits > 0; edits -= 1) {
			const first = random.below(2) === 0 ? here : there;
			const update = randomUpdate(random, Y.decodeStateVector(Y.encodeStateVector(first.document)));
			// Some do not reach both.
			for (const node of random.below(3) === 0 ? [first] : [here, there]) node.receive(update);
		}
		const snapshot = { update: wholeState(there.document), position: 1 };
		applyStored(here.document, { snapshot, entries: [], position: 1, logBytes: 0 });
		expect(missingIn(here.document, there.document), `seed ${one}`).toEqual([]);
	}
});
