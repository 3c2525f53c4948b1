import { type Connection, Document } from "@hocuspocus/server";
import * as decoding from "lib0/decoding";
import { expect, onTestFinished, test } from "vitest";
import { Awareness, applyAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { PresenceBatch } from "../../extensions/sync/presence-batch.ts";
import { encodeEntry, readPresence, writePresence } from "../../extensions/sync/presence-entries.ts";
import { Random, testSeed } from "../support/random.ts";

/** @param changed Is told whose presence has changed, as Hocuspocus tells what sends it. */
function openDocument(changed: (clientIds: readonly number[]) => void = () => {}): Document {
	const document = new Document("doc");
	document.flushDelay = false;
	const seam = document as unknown as { broadcastAwarenessUpdate(clientIds: readonly number[]): void };
	seam.broadcastAwarenessUpdate = changed;
	onTestFinished(() => document.destroy());
	return document;
}

function openBatch(): { document: Document; batch: PresenceBatch } {
	const document = openDocument((clientIds) => batch.changed(clientIds));
	const batch = new PresenceBatch(document);
	return { document, batch };
}

/** A connection is no more than an identity here. */
function connect(...documents: readonly Document[]): Connection {
	const connection = {} as Connection;
	for (const document of documents) document.connections.set(connection, { clients: new Set() });
	return connection;
}

function observer(): Awareness {
	const document = new Y.Doc();
	const awareness = new Awareness(document);
	awareness.setLocalState(null);
	onTestFinished(() => document.destroy());
	return awareness;
}

/** @returns How many people's presence it was. */
function deliver(batch: PresenceBatch, to: Awareness): number {
	const taken = batch.take();
	if (taken === undefined) return 0;
	const decoder = decoding.createDecoder(taken.body);
	expect(decoding.readVarUint(decoder)).toBe(1);
	const update = decoding.readVarUint8Array(decoder);
	expect(readPresence(update).map(({ clientId }) => clientId)).toEqual(taken.clientIds);
	applyAwarenessUpdate(to, update, "server");
	return taken.clientIds.length;
}

function statesOf({ states }: Awareness): unknown {
	return [...states].sort(([one], [other]) => one - other);
}

interface Person {
	readonly connection: Connection;
	readonly clientId: number;
	clock: number;
}

/** States that JSON can say, objects or not. */
function anyState(random: Random): unknown {
	const plain = [
		{},
		{ cursor: random.below(100) },
		{ user: { name: "Ada" } },
		[1, 2],
		"text",
		7,
		true,
		false,
		0,
		"",
	];
	return random.chance(0.1) ? JSON.parse('{"__proto__":{"isAdmin":true}}') : random.pick(plain);
}

test("what comes in batches ends as what comes one by one does in y-protocols, on the server and for who watches", () => {
	const random = new Random(testSeed("presence-batch"));
	for (let round = 0; round < 200; round += 1) {
		const { document, batch } = openBatch();
		const reference = openDocument();
		const watcher = observer();
		const people: Person[] = [];
		const leave = (person: Person) => {
			people.splice(people.indexOf(person), 1);
			// As a live document does: what has not been applied must not come afterwards.
			batch.apply();
			for (const each of [document, reference]) each.removeConnection(person.connection);
		};
		for (let step = 0; step < 150; step += 1) {
			if (people.length < 2 || random.chance(0.08))
				people.push({
					connection: connect(document, reference),
					clientId: 1 + random.below(1_000_000),
					clock: random.below(3),
				});
			const named = Array.from({ length: random.chance(0.9) ? 1 : 3 }, () => random.pick(people));
			for (const person of named)
				person.clock = Math.max(0, person.clock + random.pick([1, 1, 1, 1, 0, -1, 5]));
			const speaker = named[0] as Person;
			// A client speaks for itself; and providers report others as gone, with the clock that they know.
			const entries = named.map((person) => {
				const state = person === speaker && random.chance(0.85) ? anyState(random) : null;
				return encodeEntry(person.clientId, person.clock, state);
			});
			const update = writePresence(entries);
			const { connection } = speaker;
			batch.receive(connection, update);
			applyAwarenessUpdate(reference.awareness, update, { source: "connection", connection });
			for (const { clientId, isPresent } of readPresence(update))
				if (isPresent) reference.getClients(connection).add(clientId);
			if (random.chance(0.05)) leave(random.pick(people));
			if (random.chance(0.2)) batch.apply();
			if (random.chance(0.15)) {
				batch.apply();
				deliver(batch, watcher);
			}
		}
		batch.apply();
		deliver(batch, watcher);
		expect(statesOf(document.awareness)).toEqual(statesOf(reference.awareness));
		expect(statesOf(watcher)).toEqual(statesOf(reference.awareness));
		for (const person of [...people]) leave(person);
		deliver(batch, watcher);
		expect(statesOf(document.awareness)).toEqual([]);
		expect(statesOf(watcher)).toEqual([]);
	}
});

function said(clientId: number, clock: number, state: unknown): Uint8Array {
	return writePresence([encodeEntry(clientId, clock, state)]);
}

test("of all that somebody says between two flushes only the last is sent, also to the one who said it", () => {
	const { document, batch } = openBatch();
	const watcher = observer();
	const connection = connect(document);
	for (let clock = 1; clock <= 50; clock += 1) batch.receive(connection, said(1, clock, { clock }));
	batch.apply();
	expect(deliver(batch, watcher)).toBe(1);
	expect(statesOf(watcher)).toEqual([[1, { clock: 50 }]]);
	// The same again, with a newer clock: still there.
	batch.receive(connection, said(1, 51, { clock: 50 }));
	batch.apply();
	expect(deliver(batch, watcher)).toBe(1);
});

test("who left one connection and came back on another stays when the first one ends", () => {
	const { document, batch } = openBatch();
	const [first, second] = [connect(document), connect(document)];
	batch.receive(first, said(1, 1, {}));
	batch.apply();
	batch.receive(first, said(1, 2, null));
	batch.receive(second, said(2, 1, {}));
	batch.apply();
	batch.receive(second, said(1, 3, { isBack: true }));
	batch.receive(connect(document), said(3, 1, {}));
	batch.apply();
	document.removeConnection(first);
	expect(document.awareness.states.get(1)).toEqual({ isBack: true });
	document.removeConnection(second);
	expect([...document.awareness.states.keys()]).toEqual([3]);
});

test("what is no news is not sent, with whatever state it comes", () => {
	const { document, batch } = openBatch();
	const watcher = observer();
	const connection = connect(document);
	batch.receive(connection, said(1, 5, { real: true }));
	batch.apply();
	// Another state with the same clock, and an older one.
	batch.receive(connect(document), said(1, 5, { forged: true }));
	batch.apply();
	batch.receive(connect(document), said(1, 4, { old: true }));
	batch.apply();
	deliver(batch, watcher);
	expect(statesOf(watcher)).toEqual([[1, { real: true }]]);
	batch.receive(connection, said(1, 5, { forged: true }));
	batch.apply();
	expect(batch.take()).toBe(undefined);
});

test("somebody who leaves and comes back with the clock of before, all between two flushes, is gone for all alike", () => {
	const { document, batch } = openBatch();
	const watcher = observer();
	const connection = connect(document);
	batch.receive(connection, said(1, 5, { here: true }));
	batch.apply();
	deliver(batch, watcher);
	document.removeConnection(connection);
	batch.receive(connect(document), said(1, 5, { here: true }));
	batch.apply();
	deliver(batch, watcher);
	expect(statesOf(watcher)).toEqual(statesOf(document.awareness));
});

test("[TRN5] an update that can't be read counts for nothing, not even in part", () => {
	const { document, batch } = openBatch();
	const good = encodeEntry(1, 1, {});
	const connection = connect(document);
	for (const bytes of [
		[],
		[1],
		[2, ...good],
		[1, ...good.subarray(0, -1)],
		[255, 255, 255, 255, 15, ...good],
		[1, 1, 1, 3, 123, 125, 125],
	])
		expect(() => batch.receive(connection, Uint8Array.from(bytes))).toThrow();
	batch.apply();
	expect(statesOf(document.awareness)).toEqual([]);
	expect(batch.take()).toBe(undefined);
});
