import { onStoredElsewhere, readStored, writeStored } from "./local-storage.ts";
import { cell, type Observable } from "./observable.ts";

/** Somebody as others see them. */
export interface Person {
	/** Of a browser, so that two tabs of one are one person. */
	readonly id: string;
	readonly name: string;
	/** One of {@link personColors}; white text on it is readable. */
	readonly color: string;
}

export const personColors = [
	"#c2185b",
	"#b3401a",
	"#8a5a00",
	"#3f7220",
	"#00796b",
	"#0b6bb5",
	"#4150d8",
	"#7b3fc4",
] as const;

export const personNameLengthMax = 40;

const adjectives = [
	"Quiet",
	"Bright",
	"Swift",
	"Gentle",
	"Bold",
	"Curious",
	"Sunny",
	"Patient",
	"Merry",
	"Keen",
];
const animals = ["Otter", "Heron", "Fox", "Lynx", "Robin", "Badger", "Swallow", "Hare", "Owl", "Seal"];

function pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
	const [first] = list;
	return (list[Math.floor(Math.random() * list.length)] ?? first) as T;
}

function newPerson(): Person {
	const id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(36)).join("");
	return { id, name: `${pick(adjectives)} ${pick(animals)}`, color: pick(personColors) };
}

/** What came from storage or from others is not ours to trust. */
export function asPerson(value: unknown): Person | undefined {
	if (typeof value !== "object" || value === null) return undefined;
	const { id, name, color } = value as Record<string, unknown>;
	if (typeof id !== "string" || typeof name !== "string" || typeof color !== "string") return undefined;
	if (!/^#[0-9a-f]{6}$/i.test(color)) return undefined;
	return { id, name: name.slice(0, personNameLengthMax).trim() || "Somebody", color };
}

function storedPerson(): Person {
	const stored = asPerson(readStored("person"));
	if (stored !== undefined) return stored;
	const person = newPerson();
	writeStored("person", person);
	return person;
}

const self = cell<Person>(storedPerson());
onStoredElsewhere("person", () => self.set(storedPerson()));

/** The one who sits here. */
export const me: Observable<Person> = self;

export function changeMe(change: Partial<Omit<Person, "id">>): void {
	const name = (change.name ?? self.get().name).slice(0, personNameLengthMax);
	self.set({ ...self.get(), ...change, name });
	writeStored("person", self.get());
}

export function initials(name: string): string {
	const words = name.trim().split(/\s+/).filter(Boolean);
	const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map(
		(word) => [...(word ?? "")][0] ?? "",
	);
	return letters.join("").toUpperCase() || "?";
}
