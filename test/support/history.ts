import * as Y from "yjs";
import type { Random } from "./random.ts";

/** All that two documents with the same history have in common. */
export function contentOf(document: Y.Doc): unknown {
	const { store } = document;
	return {
		text: document.getText("text").toDelta(),
		list: document.getArray("list").toJSON(),
		map: document.getMap("map").toJSON(),
		xml: document.getXmlFragment("xml").toString(),
		clients: [...Y.decodeStateVector(Y.encodeStateVector(document))].sort(([one], [other]) => one - other),
		isWaiting: store.pendingStructs !== null,
		waitingDeletions: store.pendingDs === null ? [] : deletionsIn(store.pendingDs),
	};
}

function deletionsIn(update: Uint8Array): unknown {
	return [...Y.decodeUpdateV2(update).ds.clients].map(([client, ranges]) => [
		client,
		ranges.map(({ clock, len }) => [clock, len]),
	]);
}

function edit(document: Y.Doc, random: Random): void {
	const text = document.getText("text");
	const list = document.getArray<unknown>("list");
	const map = document.getMap<unknown>("map");
	const xml = document.getXmlFragment("xml");
	switch (random.below(10)) {
		case 0:
		case 1:
			text.insert(random.chance(0.4) ? 0 : random.below(text.length + 1), "abc".slice(random.below(3)));
			break;
		case 2:
			if (text.length > 2) text.delete(random.below(text.length - 2), 1 + random.below(2));
			break;
		case 3:
			if (text.length > 2)
				text.format(random.below(text.length - 2), 2, { bold: random.chance(0.5) || null });
			break;
		case 4:
			list.insert(random.below(list.length + 1), [
				random.chance(0.3) ? new Y.Map([["a", 1]]) : random.below(9),
			]);
			break;
		case 5:
			if (list.length > 0) list.delete(random.below(list.length), 1);
			break;
		case 6:
			xml.insert(random.below(xml.length + 1), [new Y.XmlElement("p"), new Y.XmlText("abc")]);
			break;
		case 7: {
			if (xml.length === 0) break;
			const child = xml.get(random.below(xml.length));
			if (child instanceof Y.XmlElement) child.insert(0, [new Y.XmlText(`${child.length}`)]);
			else if (random.chance(0.5)) xml.delete(random.below(xml.length), 1);
			else if (child instanceof Y.XmlText) child.insert(random.below(child.length + 1), "xyz", { em: true });
			break;
		}
		default:
			map.set(`key ${random.below(3)}`, random.chance(0.2) ? new Y.Array() : random.below(100));
	}
}

/** What some people write who hear of each other now and then, one update for each edit or for several. */
export function history(random: Random, edits: number): Uint8Array[] {
	const people = Array.from({ length: 2 + random.below(4) }, () => new Y.Doc());
	const updates: Uint8Array[] = [];
	for (const person of people) {
		person.clientID = random.below(2 ** 32);
		person.on("update", (update: Uint8Array, origin: unknown) => {
			if (origin !== "others") updates.push(update);
		});
	}
	for (let left = edits; left > 0; left -= 1) {
		const person = random.pick(people);
		if (random.chance(0.1)) Y.applyUpdate(person, Y.encodeStateAsUpdate(random.pick(people)), "others");
		person.transact(() => {
			for (let parts = 1 + random.below(3); parts > 0; parts -= 1) edit(person, random);
		});
	}
	return updates;
}

/** The cleaning of formats is left to clients. */
export function withoutCleanup(transaction: Y.Transaction): void {
	transaction._needFormattingCleanup = false;
}
