import type { Random } from "../random.ts";
import {
	type Clock,
	content,
	type RawContent,
	type RawDeletes,
	type RawId,
	type RawSection,
	type RawStruct,
	rawUpdate,
} from "./raw-update.ts";

/** Whose structs an update may build on, and how many they have. */
export type KnownClients = ReadonlyMap<number, number>;

const names = ["text", "list", "map", "xml", "__proto__", "constructor", "", "new root"];
const keys = ["key", "__proto__", "toString", ""];
const odd: readonly Clock[] = [0, 1, 2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n];

/**
 * An update that can be read, and whose structs are put together by chance: on what is there, on each other, on nothing.
 * @param spared Clients in whose name nothing is made, and of whom nothing is deleted.
 */
export function randomUpdate(
	random: Random,
	known: KnownClients,
	spared: ReadonlySet<number> = new Set(),
): Uint8Array {
	const all = [...known.keys(), 7, 8, 9];
	const clients = all.filter((client) => !spared.has(client));
	const sections: RawSection[] = Array.from({ length: random.below(3) + 1 }, () => {
		const client = random.pick(clients);
		return {
			client,
			clock: clockOf(random, known.get(client) ?? 0),
			structs: structs(random, known, all),
		};
	});
	if (random.chance(0.8)) sections.sort((one, other) => Number(other.client) - Number(one.client));
	const deletes: RawDeletes[] = Array.from({ length: random.below(3) }, () => {
		const client = random.pick(clients);
		const ranges = Array.from(
			{ length: random.below(4) },
			() => [clockWithin(random, known.get(client) ?? 0), lengthOf(random)] as const,
		);
		return { client, ranges };
	});
	return rawUpdate(sections, deletes);
}

function structs(random: Random, known: KnownClients, clients: readonly number[]): RawStruct[] {
	return Array.from({ length: random.below(6) }, () => {
		const id = (): RawId => {
			const client = random.pick(clients);
			return { client, clock: clockWithin(random, known.get(client) ?? 0) };
		};
		return {
			content: anyContent(random),
			...(random.chance(0.5) && { origin: id() }),
			...(random.chance(0.3) && { rightOrigin: id() }),
			parent: random.chance(0.6) ? random.pick(names) : id(),
			...(random.chance(0.2) && { key: random.pick(keys) }),
		};
	});
}

function anyContent(random: Random): RawContent {
	switch (random.below(14)) {
		case 0:
			return content.gc(lengthOf(random));
		case 1:
			return content.skip(lengthOf(random));
		case 2:
			return content.deleted(lengthOf(random));
		case 3:
			return content.json(random.pick(["1", "{}", "undefined", "[", "null"]));
		case 4:
			return content.binary(random.bytes(random.below(5)));
		case 5:
			return content.embed(random.pick(['{"image":"x"}', "null", "5"]));
		case 6:
			return content.format(random.pick(["bold", "__proto__"]), random.pick(["true", "null", "{}"]));
		case 7:
		case 8:
			return content.type(random.below(8), random.pick(["p", "__proto__"]));
		case 9:
			return content.any(
				...Array.from({ length: random.below(3) }, () => random.pick([1, null, "x", Number.NaN, { a: [] }])),
			);
		case 10:
			return content.document(
				random.pick(["guid", ""]),
				random.pick([{}, { gc: false }, { autoLoad: true }]),
			);
		case 11:
			return content.unknown(random.below(32), random.bytes(random.below(4)));
		default:
			return content.string(random.pick(["x", "hello", "", "🙂", "\ud800", "é".repeat(30)]));
	}
}

/** Mostly where the client's structs end. */
function clockOf(random: Random, end: number): Clock {
	if (random.chance(0.6)) return end;
	return random.chance(0.8) ? clockWithin(random, end) : random.pick(odd);
}

function clockWithin(random: Random, end: number): Clock {
	return random.chance(0.95) ? random.below(end + 4) : random.pick(odd);
}

function lengthOf(random: Random): Clock {
	return random.chance(0.9) ? random.below(6) : random.pick(odd);
}
