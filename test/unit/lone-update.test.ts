import { expect, test } from "vitest";
import * as Y from "yjs";
import { readUpdate } from "../../extensions/durability/update-ends.ts";
import { applyBounded, unboundedEffort } from "../../extensions/sync/bounded-apply.ts";
import { LoneUpdates } from "../../extensions/sync/lone-update.ts";
import { content, rawUpdate } from "../support/fuzz/raw-update.ts";
import { contentOf, history, withoutCleanup } from "../support/history.ts";
import { Random, testSeed } from "../support/random.ts";

/** A document that is told which update comes alone, and what its listeners hear. */
function listening(document = new Y.Doc()) {
	const told: Uint8Array[] = [];
	const lone = new LoneUpdates(document);
	document.on("update", (update: Uint8Array) => told.push(update));
	const receive = (...updates: readonly Uint8Array[]) => {
		const apply = (transaction: Y.Transaction) => {
			const [first] = updates;
			const admitted = updates.map((update) => readUpdate(update));
			if (first !== undefined && admitted[0] !== undefined && updates.length === 1)
				lone.expect(transaction, first, admitted[0]);
			for (const [n, update] of updates.entries())
				applyBounded(document, update, unboundedEffort, admitted[n]?.decoded);
		};
		try {
			Y.transact(document, apply, "somebody", false);
		} finally {
			lone.forget();
		}
	};
	return { document, told, receive };
}

/** Two structs that Yjs makes one of. */
function twoLetters(clock: number): Uint8Array {
	const place = clock === 0 ? { parent: "text" } : { origin: { client: 7, clock: clock - 1 } };
	const second = { content: content.string("b"), origin: { client: 7, clock } };
	return rawUpdate([{ client: 7, clock, structs: [{ content: content.string("a"), ...place }, second] }]);
}

/** What an update says, however it is written. */
function meaningOf(update: Uint8Array): unknown {
	const { from, to } = Y.parseUpdateMeta(update);
	const deleted = [...Y.decodeUpdate(update).ds.clients].map(([client, ranges]) => [client, ranges]);
	return { from, to, deleted: deleted.sort() };
}

test("an update that comes alone, and is new, is told as it came, and not encoded again", () => {
	const { document, told, receive } = listening();
	const updates = [twoLetters(0), twoLetters(2)];
	for (const update of updates) receive(update);
	expect(told).toEqual(updates);
	// They are of their own.
	expect(told.map(({ buffer }) => buffer.byteLength)).toEqual(updates.map(({ byteLength }) => byteLength));
	expect(document.getText("text").toString()).toBe("abab");
	const deletion = rawUpdate([], [{ client: 7, ranges: [[1, 2]] }]);
	receive(deletion);
	expect(told.at(-1)).toEqual(deletion);
	expect(document.getText("text").toString()).toBe("ab");
});

test("what follows an update in its message is told to nobody", () => {
	const { told, receive } = listening();
	receive(Uint8Array.from([...twoLetters(0), 1, 2, 3]));
	expect(told).toEqual([twoLetters(0)]);
});

test("what is known already is not told, be it all of an update or a part", () => {
	const { told, receive } = listening();
	receive(twoLetters(0));
	receive(twoLetters(0));
	expect(told).toHaveLength(1);
	receive(Y.mergeUpdates([twoLetters(0), twoLetters(2)]));
	expect(told.map((update) => Y.parseUpdateMeta(update).from.get(7))).toEqual([0, 2]);
	const deletion = rawUpdate([], [{ client: 7, ranges: [[0, 1]] }]);
	receive(deletion);
	receive(deletion);
	expect(told).toHaveLength(3);
});

const answer = { content: content.string("x"), origin: { client: 7, clock: 1 } };

test.each([
	["an answer", rawUpdate([{ client: 6, clock: 0, structs: [answer] }]), "abx"],
	["a deletion", rawUpdate([], [{ client: 7, ranges: [[0, 1]] }]), "b"],
])("[DUR1] %s that has waited for an update is told with it", (_, waiting, text) => {
	const { document, told, receive } = listening();
	receive(waiting);
	expect(told).toEqual([]);
	receive(twoLetters(0));
	const copy = new Y.Doc();
	for (const update of told) Y.applyUpdate(copy, update);
	expect(copy.getText("text").toString()).toBe(text);
	expect(document.getText("text").toString()).toBe(text);
});

test("[DUR1] of an update that is stopped on its way, what came in is told", () => {
	const document = new Y.Doc();
	const told: Uint8Array[] = [];
	const lone = new LoneUpdates(document);
	document.on("update", (update: Uint8Array) => told.push(update));
	const whole = Y.mergeUpdates([twoLetters(0), twoLetters(2)]);
	document.transact((transaction) => {
		lone.expect(transaction, whole, readUpdate(whole));
		Y.applyUpdate(document, twoLetters(0));
	});
	expect(told.map((update) => Y.parseUpdateMeta(update).to.get(7))).toEqual([2]);
});

test("[DUR1] what listeners write into the transaction, or in answer to it, is told as well", () => {
	const { document, told, receive } = listening();
	document.clientID = 8;
	const notes = document.getArray("notes");
	const begins = () => notes.push(["begins"]);
	document.on("beforeTransaction", begins);
	receive(twoLetters(0));
	document.off("beforeTransaction", begins);
	document.getText("text").observe(() => notes.push(["seen"]));
	receive(twoLetters(2));
	document.once("afterAllTransactions", () => notes.push(["over"]));
	receive(twoLetters(4));
	const copy = new Y.Doc();
	for (const update of told) Y.applyUpdate(copy, update);
	expect(contentOf(copy)).toEqual(contentOf(document));
	expect(copy.getArray("notes").toJSON()).toEqual(notes.toJSON());
	expect(notes.length).toBe(4);
});

test("listeners that come and go while they are told stay gone, and hear what comes next", () => {
	const { document, receive } = listening();
	let heard = 0;
	const late = () => {
		heard += 1;
	};
	document.once("update", () => document.on("update", late));
	for (const clock of [0, 2, 4]) receive(twoLetters(clock));
	document.off("update", late);
	receive(twoLetters(6));
	expect(heard).toBe(2);
});

test("[CON1] what is told means what Yjs would tell, whatever comes, in any order", () => {
	const random = new Random(testSeed("lone updates"));
	const rounds = Number(process.env.INDELIBLE_FUZZ_ROUNDS ?? 60);
	for (let round = 0; round < rounds; round += 1) {
		const waiting = history(random, 60);
		const stock = new Y.Doc();
		const stockTold: Uint8Array[] = [];
		stock.on("afterTransaction", withoutCleanup);
		stock.on("update", (update: Uint8Array) => stockTold.push(update));
		const { document, told, receive } = listening();
		const copy = new Y.Doc();
		copy.on("afterTransaction", withoutCleanup);
		while (waiting.length > 0) {
			const count = random.chance(0.2) ? 3 : 1;
			const given = waiting.splice(random.chance(0.8) ? 0 : random.below(waiting.length), count);
			if (random.chance(0.1) && given[0] !== undefined) waiting.push(given[0]);
			const apply = () => {
				for (const update of given) Y.applyUpdate(stock, update);
			};
			Y.transact(stock, apply, "somebody", false);
			receive(...given);
			expect(told.map(meaningOf)).toEqual(stockTold.map(meaningOf));
			for (const update of told) Y.applyUpdate(copy, update);
			told.length = 0;
			stockTold.length = 0;
		}
		expect(contentOf(document)).toEqual(contentOf(stock));
		expect(copy.getText("text").toDelta()).toEqual(stock.getText("text").toDelta());
		expect(Y.encodeStateVector(copy)).toHaveLength(Y.encodeStateVector(stock).length);
	}
});
