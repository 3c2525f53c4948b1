import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { rootsTouchedBy } from "../../extensions/auth/roots-touched.ts";
import { Random, testSeed } from "../support/random.ts";

const rounds = Number(process.env.INDELIBLE_ROOTS_ROUNDS ?? 4_000);

/** A document with something of every kind in several roots, by a few clients, some of it deleted. */
function sample(random: Random): Y.Doc {
	const document = new Y.Doc({ gc: random.chance(0.5) });
	for (let clientId = 1; clientId <= 3; clientId += 1) {
		document.clientID = clientId;
		document.getText("text").insert(0, "some words");
		document.getText("text").format(1, 3, { bold: true });
		document.getArray("comments").insert(0, [new Y.Map([["body", new Y.Text("remark")]]), clientId]);
		document.getMap("settings").set("a", new Y.Array());
		(document.getMap("settings").get("a") as Y.Array<number>).push([1, 2, 3]);
		document.getXmlFragment("page").insert(0, [new Y.XmlElement("p")]);
		if (random.chance(0.5)) document.getText("text").delete(2, 3);
		if (random.chance(0.5)) document.getArray("comments").delete(0, 1);
		if (random.chance(0.3)) document.getMap("settings").delete("a");
	}
	return document;
}

/** What a client that may write to "comments" could send: an honest edit of some root, then changed at random. */
function forgedUpdate(document: Y.Doc, random: Random): Uint8Array {
	const copy = new Y.Doc();
	Y.applyUpdate(copy, Y.encodeStateAsUpdate(document));
	copy.clientID = random.pick([1, 2, 3, 9]);
	const updates: Uint8Array[] = [];
	copy.on("update", (update: Uint8Array) => updates.push(update));
	copy.transact(() => {
		const comments = copy.getArray("comments");
		if (random.chance(0.7)) comments.insert(random.below(comments.length + 1), ["x"]);
		if (random.chance(0.3)) comments.insert(0, [new Y.Text("new")]);
		if (random.chance(0.3) && comments.length > 0) comments.delete(0, 1);
		if (random.chance(0.3)) copy.getText("text").insert(random.below(4), "y");
		if (random.chance(0.2)) copy.getText("text").delete(0, 1);
		if (random.chance(0.2)) copy.getMap("settings").set("b", 1);
	});
	const update = Uint8Array.from(random.chance(0.2) ? Y.encodeStateAsUpdate(copy) : (updates[0] ?? [0, 0]));
	for (let changes = random.below(4); changes > 0; changes -= 1) {
		const at = random.below(update.byteLength);
		update[at] = random.chance(0.5) ? random.below(16) : (update[at] ?? 0) ^ (1 << random.below(8));
	}
	return update;
}

/** Items that no Yjs would make: each says at random what it comes after, before and in, and whose it is. */
function builtUpdate(document: Y.Doc, random: Random): Uint8Array {
	const stateOf = (client: number) => Y.getState(document.store, client);
	const someId = (): [number, number] => {
		const client = random.pick([1, 2, 3]);
		return [client, random.below(stateOf(client) + 2)];
	};
	const clients = [9, 3, 2, 1].filter(() => random.chance(0.4));
	return encoding.encode((encoder) => {
		const write = (...numbers: number[]) => {
			for (const number of numbers) encoding.writeVarUint(encoder, number);
		};
		write(clients.length);
		for (const client of clients) {
			const count = 1 + random.below(3);
			write(count, client, Math.max(0, stateOf(client) - random.below(3)));
			for (let item = 0; item < count; item += 1) writeItem();
		}
		const deletes = random.chance(0.3);
		write(deletes ? 1 : 0);
		if (deletes) write(random.pick([1, 2, 3]), 1, random.below(20), 1 + random.below(5));

		function writeItem(): void {
			const [deleted, json, text, format, type, any, collected] = [1, 2, 4, 6, 7, 8, 0];
			const content = random.pick([deleted, json, text, text, format, type, any, collected]);
			const [hasOrigin, hasRight] = [random.chance(0.4), random.chance(0.3)];
			const isKeyed = random.chance(0.2);
			if (content === collected) {
				encoding.writeUint8(encoder, collected);
				write(1 + random.below(3));
				return;
			}
			encoding.writeUint8(
				encoder,
				content | (hasOrigin ? 128 : 0) | (hasRight ? 64 : 0) | (isKeyed ? 32 : 0),
			);
			if (hasOrigin) write(...someId());
			if (hasRight) write(...someId());
			if (!hasOrigin && !hasRight) {
				const isNamed = random.chance(0.7);
				write(isNamed ? 1 : 0);
				if (isNamed)
					encoding.writeVarString(encoder, random.pick(["comments", "comments", "comments", "text"]));
				else write(...someId());
				if (isKeyed) encoding.writeVarString(encoder, "key");
			}
			if (content === deleted) write(1 + random.below(3));
			if (content === json) {
				write(1);
				encoding.writeVarString(encoder, "1");
			}
			if (content === text) encoding.writeVarString(encoder, random.pick(["!", "FORGED", "ab"]));
			if (content === format) {
				encoding.writeVarString(encoder, "bold");
				encoding.writeVarString(encoder, "true");
			}
			if (content === type) write(random.pick([0, 1, 2]));
			if (content === any) {
				write(1);
				encoding.writeAny(encoder, 7);
			}
		}
	});
}

/** All that is in the other roots, with what was deleted and not collected. */
function elsewhere(document: Y.Doc): string {
	return JSON.stringify([
		document.getText("text").toDelta(),
		document.getMap("settings").toJSON(),
		document.getXmlFragment("page").toString(),
		[...document.share.keys()].filter((name) => name !== "comments").sort(),
		[...document.share]
			.filter(([name]) => name !== "comments")
			.map(([, type]) => countItems(type as Y.AbstractType<unknown>)),
	]);
}

/** Items in the list of a type and in its map, deleted ones too. */
function countItems(type: Y.AbstractType<unknown>): number {
	let count = 0;
	for (let item = type._start; item !== null; item = item.right) count += item.deleted ? 0 : item.length;
	for (const item of type._map.values()) if (!item.deleted) count += 1;
	return count;
}

test("[ACC2] whatever is let through to some roots changes no other one, however it was forged", () => {
	const random = new Random(testSeed("forged updates"));
	const verdicts = { allowed: 0, forbidden: 0, unknown: 0, unreadable: 0 };
	for (let round = 0; round < rounds; round += 1) {
		const document = sample(random);
		const update = random.chance(0.5) ? forgedUpdate(document, random) : builtUpdate(document, random);
		let touched: ReturnType<typeof rootsTouchedBy>;
		try {
			touched = rootsTouchedBy(document, update);
		} catch {
			verdicts.unreadable += 1;
			continue;
		}
		if (touched.type === "unknown") verdicts.unknown += 1;
		else if ([...touched.roots].some((root) => root !== "comments")) verdicts.forbidden += 1;
		else {
			verdicts.allowed += 1;
			const before = elsewhere(document);
			try {
				Y.applyUpdate(document, update);
			} catch {
				// Whoever applies it ends the connection for that.
			}
			expect(elsewhere(document), `round ${round}: ${Buffer.from(update).toString("hex")}`).toBe(before);
			expect(document.store.pendingStructs, `round ${round}: held back`).toBeNull();
			expect(document.store.pendingDs, `round ${round}: held back`).toBeNull();
		}
	}
	console.info(verdicts);
	for (const count of Object.values(verdicts)) expect(count).toBeGreaterThan(0);
});
