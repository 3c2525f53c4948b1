import { asPerson, type Person } from "../person.ts";

/** Somebody who has the document open, and in how many places. */
export interface Present extends Person {
	readonly clientIds: readonly number[];
}

/** The people in an awareness, each once, without `selfId`, in an order that stays. Pure. */
export function peopleIn(
	states: ReadonlyMap<number, Record<string, unknown>>,
	selfId: string,
): readonly Present[] {
	const people = new Map<string, Present>();
	for (const [clientId, state] of [...states].sort(([a], [b]) => a - b)) {
		const person = asPerson(state.user);
		if (person === undefined || person.id === selfId) continue;
		people.set(person.id, { ...person, clientIds: [...(people.get(person.id)?.clientIds ?? []), clientId] });
	}
	return [...people.values()];
}

export function arePeopleSame(a: readonly Present[], b: readonly Present[]): boolean {
	const print = (people: readonly Present[]) =>
		people.map(({ id, name, color, clientIds }) => [id, name, color, ...clientIds].join("\n")).join("\n\n");
	return a.length === b.length && print(a) === print(b);
}
