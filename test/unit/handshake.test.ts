import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { Handshake } from "../../extensions/durability/handshake.ts";

/** One person's document, and the updates of their edits as their provider sends them. */
class Author {
	readonly document = new Y.Doc();
	readonly #text = this.document.getText("text");
	#updates: Uint8Array[] = [];

	constructor() {
		this.document.on("update", (update: Uint8Array) => this.#updates.push(update));
	}

	get stateVector(): Uint8Array {
		return Y.encodeStateVector(this.document);
	}

	insert(text: string): Uint8Array {
		this.#text.insert(0, text);
		return this.#newest();
	}

	delete(): Uint8Array {
		this.#text.delete(0, 1);
		return this.#newest();
	}

	#newest(): Uint8Array {
		return this.#updates.at(-1) ?? nothing;
	}
}

const nothing = new Uint8Array([0, 0]);

function open(author: Author): Handshake {
	const handshake = new Handshake(true);
	handshake.step1Received(author.stateVector);
	handshake.step1Sent();
	return handshake;
}

function acknowledged(handshake: Handshake, frames: number): number {
	let total = 0;
	for (let frame = 0; frame < frames; frame += 1) total += handshake.acknowledgementMade();
	return total;
}

describe("[DUR1] as many acknowledgements as the provider counts", () => {
	test("one for the handshake of a client that made no edits", () => {
		const handshake = open(new Author());
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(1);
	});

	test("none before the handshake is complete", () => {
		const author = new Author();
		const handshake = open(author);
		handshake.updateReceived(author.insert("a"));
		expect(acknowledged(handshake, 1)).toBe(0);
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(2);
	});

	test("none for edits made offline, which the provider forgot to count", () => {
		const author = new Author();
		const offline = [author.insert("a"), author.insert("b")];
		const handshake = open(author);
		for (const update of offline) handshake.updateReceived(update);
		handshake.updateReceived(author.insert("c"));
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 4)).toBe(2);
		expect(handshake.unclear).toBe(0);
		handshake.updateReceived(author.delete());
		expect(acknowledged(handshake, 1)).toBe(1);
	});

	test("none for edits before the first SyncStep1, whether they are durable by then or not", () => {
		const author = new Author();
		const handshake = new Handshake(true);
		handshake.updateReceived(author.insert("a"));
		expect(acknowledged(handshake, 1)).toBe(0);
		expect(handshake.unclear).toBe(0);
		handshake.updateReceived(author.insert("b"));
		handshake.step1Received(author.stateVector);
		handshake.step1Sent();
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 2)).toBe(1);
		expect(handshake.unclear).toBe(0);
	});

	test("one for each edit of somebody who is no provider and sends no SyncStep1, when they are quiet", () => {
		const author = new Author();
		const handshake = new Handshake(false);
		handshake.updateReceived(author.insert("a"));
		handshake.updateReceived(author.insert("b"));
		expect(acknowledged(handshake, 2)).toBe(0);
		expect(handshake.takeUnclear()).toBe(2);
	});

	test("none for a batch that the provider began before it connected, which it forgot to count", () => {
		const author = new Author();
		const begun = author.insert("a");
		const handshake = open(author);
		handshake.step2Received(Y.encodeStateAsUpdate(author.document));
		expect(acknowledged(handshake, 1)).toBe(1);
		handshake.updateReceived(Y.mergeUpdates([begun, author.insert("b")]));
		expect(acknowledged(handshake, 1)).toBe(0);
		handshake.updateReceived(Y.mergeUpdates([author.insert("c"), author.insert("d")]));
		expect(acknowledged(handshake, 1)).toBe(1);
	});

	test("none for such a batch that comes while it connects, and one for a batch that it began since", () => {
		const author = new Author();
		const begun = author.insert("a");
		const handshake = open(author);
		handshake.updateReceived(Y.mergeUpdates([begun, author.insert("b")]));
		handshake.updateReceived(Y.mergeUpdates([author.insert("c"), author.insert("d")]));
		handshake.step2Received(Y.encodeStateAsUpdate(author.document));
		expect(acknowledged(handshake, 3)).toBe(2);
		handshake.updateReceived(author.insert("e"));
		expect(acknowledged(handshake, 1)).toBe(1);
	});

	test("one for an early edit that only deletes, but not while the client may be writing", () => {
		const author = new Author();
		author.insert("abc");
		const handshake = open(author);
		handshake.updateReceived(author.delete());
		handshake.step2Received(nothing);
		expect(handshake.unclear).toBe(0);
		expect(acknowledged(handshake, 2)).toBe(1);
		expect(handshake.unclear).toBe(1);
		expect(handshake.takeUnclear()).toBe(1);
		expect(handshake.takeUnclear()).toBe(0);
	});

	test("what was refused is acknowledged with the SyncStep2 that is taken, which holds it", () => {
		const author = new Author();
		const handshake = open(author);
		handshake.updateReceived(author.insert("a"));
		handshake.step2Received(nothing);
		expect(handshake.refusalMade()).toBe(0);
		expect(handshake.acknowledgementMade()).toBe(2);
	});

	test("what was refused is acknowledged with a later SyncStep2 that was asked for, which is not counted itself", () => {
		const author = new Author();
		const handshake = open(author);
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(1);
		handshake.updateReceived(author.insert("a"));
		handshake.updateReceived(author.insert("b"));
		expect(handshake.refusalMade() + handshake.refusalMade()).toBe(0);
		handshake.updateReceived(author.insert("c"));
		handshake.step1Sent();
		handshake.step2Received(nothing);
		expect(handshake.acknowledgementMade()).toBe(1);
		expect(handshake.acknowledgementMade()).toBe(2);
		handshake.step1Sent();
		handshake.step2Received(nothing);
		expect(handshake.acknowledgementMade()).toBe(0);
	});

	test("none for what was refused while the SyncStep2 is refused, or when the client counts anew", () => {
		const author = new Author();
		const handshake = open(author);
		handshake.updateReceived(author.insert("a"));
		handshake.step2Received(nothing);
		expect(handshake.refusalMade() + handshake.refusalMade()).toBe(0);
		handshake.step1Received(author.stateVector);
		handshake.step1Sent();
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(1);
	});

	test("none for an early edit that only deletes while the client waits for one of something that was refused", () => {
		const author = new Author();
		author.insert("ab");
		const handshake = open(author);
		handshake.updateReceived(author.delete());
		handshake.step2Received(nothing);
		handshake.acknowledgementMade();
		expect(handshake.refusalMade()).toBe(0);
		expect(handshake.unclear).toBe(0);
		handshake.step1Sent();
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(1);
		expect(handshake.takeUnclear()).toBe(1);
	});

	test("one when a provider was attached while its socket was away: it begins twice, and sends last what it said first", () => {
		const author = new Author();
		const first = author.stateVector;
		const early = [author.insert("a"), author.insert("b")];
		const handshake = open(author);
		const late = author.insert("c");
		handshake.updateReceived(late);
		handshake.step1Received(first);
		handshake.step1Sent();
		for (const ends of early) handshake.updateReceived(ends);
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 4)).toBe(2);
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(0);
	});

	test("one when the client begins anew before it has answered", () => {
		const author = new Author();
		const handshake = open(author);
		handshake.updateReceived(author.insert("a"));
		handshake.step1Received(author.stateVector);
		handshake.step1Sent();
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 2)).toBe(1);
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(0);
	});

	test("those of an earlier count are dropped when the client counts anew", () => {
		const author = new Author();
		const handshake = open(author);
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(1);
		handshake.updateReceived(author.insert("a"));
		handshake.step1Received(author.stateVector);
		handshake.step1Sent();
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 2)).toBe(1);
	});

	test("none for the answer to a SyncStep1 that the client did not ask for", () => {
		const handshake = open(new Author());
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(1);
		handshake.step1Sent();
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(0);
	});

	test("bytes that are no state vector are left to Hocuspocus", () => {
		const handshake = new Handshake(true);
		handshake.step1Received(new Uint8Array([255]));
		handshake.step1Sent();
		handshake.step2Received(nothing);
		expect(acknowledged(handshake, 1)).toBe(1);
	});
});
