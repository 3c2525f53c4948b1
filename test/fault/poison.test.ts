import { expect, test, vi } from "vitest";
import * as Y from "yjs";
import { eventually } from "../support/eventually.ts";
import { documentName, HandServer } from "../support/hand-server.ts";
import { Random, testSeed } from "../support/random.ts";
import { updateFrame } from "../support/wire-frames.ts";

const turns = Number(process.env.INDELIBLE_POISON ?? 400);

/** Some edit of any kind. */
function edit(document: Y.Doc, random: Random): void {
	const text = document.getText("text");
	const list = document.getArray<unknown>("list");
	switch (random.below(6)) {
		case 0:
			if (text.length > 0) text.delete(random.below(text.length), 1);
			break;
		case 1:
			list.insert(random.below(list.length + 1), [
				random.chance(0.5) ? new Y.Map([["key", 1]]) : { plain: true },
			]);
			break;
		case 2:
			if (list.length > 0) list.delete(random.below(list.length), 1);
			break;
		case 3:
			document.getMap("map").set(`key ${random.below(3)}`, random.chance(0.5) ? new Y.Text("nested") : 5);
			break;
		case 4:
			document.getXmlFragment("xml").insert(0, [new Y.XmlElement("paragraph")]);
			break;
		default:
			text.insert(random.below(text.length + 1), "word");
	}
}

function mutated(update: Uint8Array, random: Random): Uint8Array {
	const copy = update.slice();
	for (let changes = 1 + random.below(3); changes > 0; changes -= 1)
		copy[random.below(copy.length)] = random.below(256);
	return copy;
}

test("[TRN5] [DUR1] updates that were tampered with cost those who edit in the same turn nothing: what they were told is saved is stored", async () => {
	vi.spyOn(console, "error").mockImplementation(() => {});
	const random = new Random(testSeed("poison"));
	const server = new HandServer();
	const author = await server.client();
	const words = author.document.getArray<string>("words");
	// The answer to the server's question was the first.
	let sent = 1;
	const write = (word: string) => {
		words.push([word]);
		author.send();
		sent += 1;
	};
	let vandal = await server.client();
	let closed = 0;
	for (let turn = 0; turn < turns; turn += 1) {
		write(`before ${turn}`);
		const theirs = new Y.Doc();
		Y.applyUpdate(theirs, Y.encodeStateAsUpdate(vandal.document));
		const known = Y.encodeStateVector(theirs);
		edit(theirs, random);
		edit(theirs, random);
		vandal.socket.send(updateFrame(documentName, mutated(Y.encodeStateAsUpdate(theirs, known), random)));
		if (random.chance(0.5)) {
			write(`after ${turn}`);
		}
		if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
		if (vandal.socket.closes.length === 0) continue;
		expect(vandal.socket.closes.map(({ code }) => code)).toEqual([4400]);
		closed += 1;
		vandal = await server.client();
	}
	expect(author.socket.closes).toEqual([]);
	await eventually("the author to be acknowledged", () => author.acknowledgements === sent);
	await server.durability.flush();
	const { snapshot, entries } = await server.store.load(documentName);
	const stored = new Y.Doc();
	for (const update of [
		...(snapshot === undefined ? [] : [snapshot.update]),
		...entries.flatMap(({ updates }) => updates),
	])
		Y.applyUpdate(stored, update);
	await eventually(
		"the author to have what is stored",
		() => Buffer.compare(Y.encodeStateVector(stored), Y.encodeStateVector(author.document)) === 0,
	);
	expect(stored.getArray("words").toArray()).toEqual(words.toArray());
	expect(words.length).toBeGreaterThan(turns / 2);
	expect(closed).toBeGreaterThan(turns / 20);
}, 120_000);
