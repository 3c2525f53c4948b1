import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import * as Y from "yjs";
import {
	applyBounded,
	type Effort,
	TooManyConflictsError,
	unboundedEffort,
} from "../../extensions/sync/bounded-apply.ts";
import { conflicts } from "../support/conflicts.ts";
import { content, rawUpdate } from "../support/fuzz/raw-update.ts";
import { contentOf, history, withoutCleanup } from "../support/history.ts";
import { Random, testSeed } from "../support/random.ts";

function effortOf(items: number): Effort & { paid: number } {
	return {
		paid: 0,
		left() {
			return items - this.paid;
		},
		pay(price) {
			this.paid += price;
		},
	};
}

/** As a server does with what came between two flushes. */
function together(
	document: Y.Doc,
	updates: readonly Uint8Array[],
	apply: (update: Uint8Array) => void,
): void {
	Y.transact(document, () => updates.forEach(apply), "somebody", false);
}

/** @returns What listeners have been told since the last time that somebody asked. */
function changesOf(document: Y.Doc): () => unknown[] {
	const said: unknown[] = [];
	document.on("update", (update: Uint8Array, origin: unknown) =>
		said.push(["update", origin, update.join()]),
	);
	document.on("afterTransaction", ({ local, changed, beforeState, afterState }: Y.Transaction) => {
		const keys = [...changed.values()].flatMap((names) => [...names].map(String)).sort();
		said.push(["transaction", local, keys, new Map(beforeState), new Map(afterState)]);
	});
	return () => said.splice(0);
}

test("[CON1] what it applies is what Yjs applies, in any order, with gaps, whole or in part known", () => {
	const random = new Random(testSeed("bounded apply"));
	const rounds = Number(process.env.INDELIBLE_FUZZ_ROUNDS ?? 60);
	for (let round = 0; round < rounds; round += 1) {
		const waiting = history(random, 60);
		const [stock, bounded] = [new Y.Doc(), new Y.Doc()];
		stock.on("afterTransaction", withoutCleanup);
		const [saysStock, says] = [changesOf(stock), changesOf(bounded)];
		while (waiting.length > 0) {
			const given: Uint8Array[] = [];
			for (let count = random.chance(0.3) ? 3 : 1; count > 0 && waiting.length > 0; count -= 1) {
				const [update] = waiting.splice(random.chance(0.7) ? 0 : random.below(waiting.length), 1);
				const others = random.chance(0.3) ? waiting.slice(0, random.below(6)) : [];
				given.push(Y.mergeUpdates([update ?? new Uint8Array(), ...others]));
			}
			together(stock, given, (update) => Y.applyUpdate(stock, update));
			together(bounded, given, (update) => applyBounded(bounded, update, unboundedEffort));
			expect(contentOf(bounded)).toEqual(contentOf(stock));
			expect(says()).toEqual(saysStock());
		}
		expect(Y.encodeStateAsUpdate(bounded).byteLength).toBe(Y.encodeStateAsUpdate(stock).byteLength);
	}
});

test("[TRN5] forged conflicts are paid for by what Yjs looks at, and stop where nothing is left; the document is whole", () => {
	const update = conflicts(1_000);
	const effort = effortOf(10_000_000);
	const all = new Y.Doc();
	applyBounded(all, update, effort);
	expect(effort.paid).toBeGreaterThan(400_000);
	expect(effort.paid).toBeLessThan(500_000);
	const part = new Y.Doc();
	const heard: Uint8Array[] = [];
	part.on("update", (change: Uint8Array) => heard.push(change));
	expect(() => applyBounded(part, update, effortOf(100_000))).toThrow(TooManyConflictsError);
	const { length } = part.getText("conflicts");
	expect(length).toBeGreaterThan(1_000);
	expect(length).toBeLessThan(2_000);
	part.getText("conflicts").insert(0, "goes on ");
	const other = new Y.Doc();
	for (const change of heard) Y.applyUpdate(other, change);
	expect(other.getText("conflicts").toString()).toBe(part.getText("conflicts").toString());
	// By and by there is room again.
	applyBounded(part, update, effortOf(1_000_000));
	expect(part.getText("conflicts").length).toBe(2_008);
});

test("[TRN5] what waits is no way around it", () => {
	const late = new Y.Doc();
	const whole = conflicts(1_000);
	const allButTheFirst = Y.diffUpdate(whole, Y.encodeStateVector(new Map([[1, 1]])));
	applyBounded(late, allButTheFirst, effortOf(0));
	expect(late.store.pendingStructs).not.toBeNull();
	expect(() => applyBounded(late, whole, effortOf(100_000))).toThrow(TooManyConflictsError);
	expect(late.store.pendingStructs).not.toBeNull();
	applyBounded(late, whole, effortOf(1_000_000));
	expect(late.store.pendingStructs).toBeNull();
	expect(late.getText("conflicts").length).toBe(2_000);
});

test("[TRN5] nor is what builds on what waits", () => {
	const document = new Y.Doc();
	const first = { content: content.string("a"), parent: "conflicts" };
	const second = { content: content.string("b"), origin: { client: 9, clock: 0 } };
	applyBounded(document, rawUpdate([{ client: 9, clock: 1, structs: [second] }]), effortOf(0));
	const heap = rawUpdate([
		{
			client: 7,
			clock: 0,
			structs: Array.from({ length: 1_000 }, (_, at) => ({
				content: content.string("x"),
				origin: at === 0 ? { client: 9, clock: 1 } : { client: 7, clock: at - 1 },
			})),
		},
		{
			client: 8,
			clock: 0,
			structs: Array.from({ length: 1_000 }, (_, at) => ({
				content: content.string("y"),
				rightOrigin: { client: 7, clock: 999 - at },
			})),
		},
		{ client: 9, clock: 0, structs: [first] },
	]);
	expect(() => applyBounded(document, heap, effortOf(100_000))).toThrow(TooManyConflictsError);
	expect(document.getText("conflicts").length).toBeLessThan(2_000);
	applyBounded(document, heap, effortOf(1_000_000));
	expect(document.getText("conflicts").length).toBe(2_002);
	expect(document.store.pendingStructs).toBeNull();
});

test("[TRN5] while something waits, others' structs are not cut for what is known", () => {
	const document = new Y.Doc();
	const of = (client: number, structs: Parameters<typeof rawUpdate>[0][number]["structs"]) =>
		applyBounded(document, rawUpdate([{ client, clock: 0, structs }]), effortOf(Number.POSITIVE_INFINITY));
	const count = 1_000;
	// Of two types in turn, so that Yjs does not merge them.
	const pairs = Array.from({ length: count }, (_, at) => ({
		content: content.string("ab"),
		parent: `${at % 2}`,
	}));
	of(5, pairs);
	of(6, pairs);
	const missing = { content: content.string("c"), origin: { client: 9, clock: 0 } };
	of(7, [missing]);
	expect(document.store.pendingStructs).not.toBeNull();
	const forged = pairs.map(({ content }, at) => ({ content, origin: { client: 5, clock: 2 * at } }));
	const cut: number[] = [];
	document.on("beforeObserverCalls", (transaction: Y.Transaction) =>
		cut.push(transaction._mergeStructs.length),
	);
	of(6, [...forged, missing]);
	of(6, forged);
	expect(cut).toEqual([0, 0]);
});

test("[TRN5] what is only partly there, or was not when it was deleted, is not cut for nothing, either", () => {
	const [client, count] = [5, 20_000];
	const structs = Array.from({ length: count }, (_, at) => ({
		content: content.string("abc"),
		parent: `${at % 2}`,
	}));
	const written = rawUpdate([{ client, clock: 0, structs }]);
	const clocks = Array.from({ length: 1_000 }, (_, at) => 3 * at + 1);
	const document = new Y.Doc();
	applyBounded(document, written, effortOf(0));
	// From behind, so that each cuts one.
	const tails = clocks.toReversed().map((clock) => [clock, 3 * count + 1 - clock] as const);
	expect(() => applyBounded(document, rawUpdate([], [{ client, ranges: tails }]), effortOf(1_000))).toThrow(
		TooManyConflictsError,
	);
	const early = rawUpdate([], [{ client, ranges: clocks.map((clock) => [clock, 1] as const) }]);
	const late = new Y.Doc();
	applyBounded(late, early, effortOf(0));
	expect(applyBounded(late, written, effortOf(10_000))).toBe(false);
	expect(late.store.pendingDs).not.toBeNull();
	for (let left = 5; left > 0 && late.store.pendingDs !== null; left -= 1)
		applyBounded(late, rawUpdate([]), effortOf(10_000));
	const stock = new Y.Doc();
	Y.applyUpdate(stock, Y.mergeUpdates([written, early]));
	expect(late.store.pendingDs).toBeNull();
	expect(late.getText("0").toString()).toBe(stock.getText("0").toString());
});

test("[TRN5] formats that are not needed any more are left to clients: to find them takes the square of what is deleted", () => {
	const author = new Y.Doc();
	const text = new Y.Text();
	author.getMap("map").set("text", text);
	text.insert(0, "bold", { bold: true });
	for (let left = 100; left > 0; left -= 1) text.insert(0, "x");
	const document = new Y.Doc();
	applyBounded(document, Y.encodeStateAsUpdate(author), unboundedEffort);
	let transactions = 0;
	document.on("beforeTransaction", () => {
		transactions += 1;
	});
	const before = Y.encodeStateVector(author);
	text.delete(0, 104);
	applyBounded(document, Y.encodeStateAsUpdate(author, before), unboundedEffort);
	expect(transactions).toBe(1);
	expect(document.getMap<Y.Text>("map").get("text")?.length).toBe(0);
	// Whoever opens it.
	const client = new Y.Doc();
	Y.applyUpdate(client, Y.encodeStateAsUpdate(document));
	expect(client.getMap<Y.Text>("map").get("text")?.toDelta()).toEqual([]);
});

test("[TRN5] deletions that cut thousands of others' structs in two are paid for, too", () => {
	const document = new Y.Doc();
	document.transact(() => {
		const list = document.getArray("list");
		for (let at = 0; at < 20_000; at += 1) list.insert(0, at % 2 === 0 ? [1, 2, 3, 4] : [new Uint8Array(1)]);
	});
	const { clientID } = document;
	const update = encoding.encode((encoder) => {
		for (const number of [0, 1, clientID, 2_000]) encoding.writeVarUint(encoder, number);
		for (let at = 0; at < 2_000; at += 1) {
			encoding.writeVarUint(encoder, 5 * at + 1);
			encoding.writeVarUint(encoder, 1);
		}
	});
	const stock = new Y.Doc();
	Y.applyUpdate(stock, Y.encodeStateAsUpdate(document));
	Y.applyUpdate(stock, update);
	expect(() => applyBounded(document, update, effortOf(1_000))).toThrow(TooManyConflictsError);
	applyBounded(document, update, effortOf(1_000_000));
	expect(document.getArray("list").toJSON()).toEqual(stock.getArray("list").toJSON());
});
