/**
 * Unmodified Yjs clients, in a process of their own so that they do not slow down those who make the load; it only gets
 * what time they leave. They look on, and say in the end whether they have everything. Argument: {@link WitnessSettings}.
 */
import { setPriority } from "node:os";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { sleep } from "./pace.ts";
import { Person } from "./person.ts";
import type { Dialect } from "./wire-client.ts";

export interface WitnessSettings {
	readonly url: string;
	readonly documentName: string;
	readonly dialect: Dialect;
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

type Witness = Pick<Person, "document" | "text" | "presence">;

const witnesses = 2;
const lowPriority = 10;
const deadlineMs = 30_000;
const pollMs = 50;

setPriority(lowPriority);
const settings: WitnessSettings = JSON.parse(process.argv[2] ?? "");
const people = await Promise.all(Array.from({ length: witnesses }, join));
process.on("message", async (expected: Expected) => say(await judge(expected)));
process.on("disconnect", () => process.exit());
say({ type: "joined" });

function say(message: FromWitnesses): void {
	process.send?.(message);
}

function join(): Promise<Witness> {
	const { url, documentName, dialect } = settings;
	return dialect === "hocuspocus" ? Person.open(documentName, () => url) : joinRoom(url, documentName);
}

/** With the client of `y-websocket`. */
async function joinRoom(url: string, documentName: string): Promise<Witness> {
	const document = new Y.Doc();
	const provider = new WebsocketProvider(url, documentName, document, {
		// Its types want a browser's; it works with this one.
		WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
		// Otherwise those in one process would tell each other.
		disableBc: true,
	});
	while (!provider.synced) await sleep(pollMs);
	return { document, text: document.getText("text"), presence: provider.awareness.getStates() };
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

function hasAll({ document, presence }: Witness, expected: Expected): boolean {
	if (document.store.pendingStructs !== null || document.store.pendingDs !== null) return false;
	return (
		expected.clocks.every(([clientId, clock]) => Y.getState(document.store, clientId) === clock) &&
		expected.presence.every(([clientId, seen]) => presence.get(clientId)?.seen === seen)
	);
}
