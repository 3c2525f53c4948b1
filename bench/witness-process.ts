/**
 * Unmodified Yjs clients, in a process of their own so that they do not slow down those who make the load; it only gets
 * what time they leave. They look on, and say in the end whether they have everything. Argument: {@link WitnessSettings}.
 */
import { setPriority } from "node:os";
import * as Y from "yjs";
import { sleep } from "./pace.ts";
import { Person } from "./person.ts";

export interface WitnessSettings {
	readonly url: string;
	readonly documentName: string;
}

/** What everybody should have at the end. */
export interface Expected {
	/** By Yjs client. */
	readonly clocks: readonly (readonly [clientId: number, clock: number])[];
	/** What each person's presence holds under `seen`, by Yjs client. */
	readonly presence: readonly (readonly [clientId: number, seen: number])[];
}

export type FromWitnesses =
	| { readonly type: "joined" }
	/** How many of how many have all, and the same. */
	| { readonly type: "verdict"; readonly agreeing: number; readonly of: number };

const witnesses = 2;
const lowPriority = 10;
const deadlineMs = 30_000;
const pollMs = 50;

setPriority(lowPriority);
const settings: WitnessSettings = JSON.parse(process.argv[2] ?? "");
const join = () => Person.open(settings.documentName, () => settings.url);
const people = await Promise.all(Array.from({ length: witnesses }, join));
process.on("message", async (expected: Expected) => say(await judge(expected)));
process.on("disconnect", () => process.exit());
say({ type: "joined" });

function say(message: FromWitnesses): void {
	process.send?.(message);
}

/** Somebody who comes late must have everything, too. */
async function judge(expected: Expected): Promise<FromWitnesses> {
	const all = [...people, await join()];
	const untilMs = performance.now() + deadlineMs;
	while (!all.every((person) => hasAll(person, expected)) && performance.now() < untilMs) await sleep(pollMs);
	const complete = all.filter((person) => hasAll(person, expected));
	const texts = Map.groupBy(complete, ({ text }) => text.toString());
	const agreeing = Math.max(0, ...[...texts.values()].map(({ length }) => length));
	return { type: "verdict", agreeing, of: all.length };
}

function hasAll({ document, presence }: Person, expected: Expected): boolean {
	if (document.store.pendingStructs !== null || document.store.pendingDs !== null) return false;
	return (
		expected.clocks.every(([clientId, clock]) => Y.getState(document.store, clientId) === clock) &&
		expected.presence.every(([clientId, seen]) => presence.get(clientId)?.seen === seen)
	);
}
