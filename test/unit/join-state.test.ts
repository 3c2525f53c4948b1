import { Document } from "@hocuspocus/server";
import * as decoding from "lib0/decoding";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { addressField } from "../../extensions/sync/bodies.ts";
import type { Bundle } from "../../extensions/sync/bundle.ts";
import { JoinState } from "../../extensions/sync/join-state.ts";
import { Random, testSeed } from "../support/random.ts";
import { Typist } from "../support/typist.ts";

const common = addressField("doc");
const nobody = new Uint8Array([0]);
const syncType = { step1: 0, step2: 1 } as const;

function openDocument(): { document: Document; joins: JoinState } {
	const document = new Document("doc");
	onTestFinished(() => document.destroy());
	const joins = new JoinState(document);
	document.on("update", (update: Uint8Array) => joins.changed(update));
	return { document, joins };
}

/** The sync messages in an answer. */
function messagesOf(answer: readonly Bundle[], address = common): { type: number; payload: Uint8Array }[] {
	return answer
		.flatMap(({ messages }) => messages)
		.map((message) => {
			const decoder = decoding.createDecoder(message);
			expect(message.subarray(0, address.byteLength)).toEqual(Buffer.from(address));
			decoder.pos = address.byteLength;
			expect(decoding.readVarUint(decoder)).toBe(0);
			return { type: decoding.readVarUint(decoder), payload: decoding.readVarUint8Array(decoder) };
		});
}

/** Applies an answer as a provider does. @returns What the server says that it has itself. */
function join(client: Y.Doc, answer: readonly Bundle[], address = common): Uint8Array {
	const messages = messagesOf(answer, address);
	const step1 = messages.at(-1);
	expect(step1?.type).toBe(syncType.step1);
	expect(messages.filter(({ type }) => type === syncType.step2)).toEqual([messages.at(-2)]);
	for (const { type, payload } of messages) if (type !== syncType.step1) Y.applyUpdate(client, payload);
	return step1?.payload ?? nobody;
}

function stateOf(document: Y.Doc): unknown {
	return [
		document.getText("text").toString(),
		[...Y.decodeStateVector(Y.encodeStateVector(document))].sort(),
	];
}

test("[CON1] whoever joins, from whatever state, at whatever time, has what the document has", () => {
	const random = new Random(testSeed("join-state"));
	for (let round = 0; round < 120; round += 1) {
		const { document, joins } = openDocument();
		const typists = [new Typist(), new Typist(), new Typist()];
		const clients = [new Y.Doc()];
		const late: Uint8Array[] = [];
		for (let step = 0; step < 60; step += 1) {
			const update = random.pick(typists).any(random);
			// Some come late, so that others are held back meanwhile.
			if (random.chance(0.15)) late.push(update);
			else Y.applyUpdate(document, update);
			if (random.chance(0.1)) for (const held of late.splice(0)) Y.applyUpdate(document, held);
			if (random.chance(0.1))
				for (const typist of typists) Y.applyUpdate(typist.document, Y.encodeStateAsUpdate(document));
			if (random.chance(0.05)) joins.clear();
			if (!random.chance(0.5)) continue;
			const isNew = random.chance(0.5);
			const client = isNew ? new Y.Doc() : random.pick(clients);
			if (isNew) clients.push(client);
			const isCommon = random.chance(0.7);
			const address = isCommon ? common : addressField("doc\0session");
			const known = Y.encodeStateVector(client);
			const ours = join(client, joins.answer(known, address, isCommon), address);
			expect(ours).toEqual(Y.encodeStateVector(document));
			expect(stateOf(client)).toEqual(stateOf(document));
		}
		// Nobody misses what was held back when they joined, once it comes.
		document.on("update", (update: Uint8Array) => {
			for (const client of clients) Y.applyUpdate(client, update);
		});
		for (const client of clients) join(client, joins.answer(Y.encodeStateVector(client), common, true));
		for (const held of late) Y.applyUpdate(document, held);
		for (const client of clients) expect(stateOf(client)).toEqual(stateOf(document));
		expect(document.store.pendingStructs).toBe(null);
	}
});

test("[CON1] who was given what is stored gets what has come since, as long as that is known", () => {
	const random = new Random(testSeed("join-state"));
	for (let round = 0; round < 60; round += 1) {
		const { document, joins } = openDocument();
		const [stored, typist] = [new Typist(), new Typist()];
		for (let edit = 0; edit < 20; edit += 1) stored.any(random);
		const updates = [Y.encodeStateAsUpdate(stored.document)];
		for (const update of updates) for (const to of [document, typist.document]) Y.applyUpdate(to, update);
		joins.loaded(updates);
		const given = Array.from({ length: 12 }, () => {
			const client = new Y.Doc();
			for (const update of updates) Y.applyUpdate(client, update);
			return client;
		});
		for (const client of given) {
			for (let edit = random.below(4); edit > 0; edit -= 1) Y.applyUpdate(document, typist.any(random));
			// So much that what was loaded is let go of, and somebody else is answered.
			if (random.chance(0.1)) Y.applyUpdate(document, typist.type("long ".repeat(10_000)));
			if (random.chance(0.3)) join(new Y.Doc(), joins.answer(nobody, common, true));
			const rest = joins.rest(common);
			join(client, rest === undefined ? joins.answer(nobody, common, true) : [rest]);
			expect(stateOf(client)).toEqual(stateOf(document));
		}
	}
});

test("whoever asks for the same while nothing changes shares the bytes; a change does not make them anew for who has nothing", () => {
	const { document, joins } = openDocument();
	const typist = new Typist();
	Y.applyUpdate(document, typist.type("x".repeat(1_000)));
	const first = joins.answer(nobody, common, true);
	expect(joins.answer(nobody, common, true)).toEqual(first);
	expect(joins.answer(nobody, common, true)[0]?.framed).toBe(first[0]?.framed);
	Y.applyUpdate(document, typist.type("y"));
	const [one, two] = [joins.answer(nobody, common, true), joins.answer(nobody, common, true)];
	expect(one[0]?.framed).toBe(two[0]?.framed);
	const known = Y.encodeStateVector(typist.document);
	expect(joins.answer(known, common, true)[0]).toBe(joins.answer(known, common, true)[0]);
});

test("[TRN5] a state vector that can't be read is refused, and leaves nothing behind", () => {
	const { document, joins } = openDocument();
	Y.applyUpdate(document, new Typist().type("hello"));
	for (const bytes of [[], [1], [255, 255], [2, 1, 1]])
		expect(() => joins.answer(Uint8Array.from(bytes), common, true)).toThrow();
	const client = new Y.Doc();
	join(client, joins.answer(nobody, common, true));
	expect(stateOf(client)).toEqual(stateOf(document));
});
