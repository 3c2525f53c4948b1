/**
 * A process that people's edits go through one at a time, in many documents, and that says how many bytes of each V8 has taken for
 * long-lived: they stay until all of the heap is looked through.
 */
import { getHeapSpaceStatistics } from "node:v8";
import { Connection, Hocuspocus } from "@hocuspocus/server";
import { SilentSocket } from "../../bench/micro/crowd.ts";
import { Typing } from "../../bench/micro/edits.ts";
import { Durability } from "../../extensions/durability/index.ts";
import type { AppendRequest, Store } from "../../extensions/durability/store.ts";
import { ContentLimits } from "../../extensions/limits/index.ts";
import { addressField, step1Body, step2Body, updateBody } from "../../extensions/sync/bodies.ts";
import { Sync } from "../../extensions/sync/index.ts";

const documents = 200;
const warmUp = 60_000;
const measured = 30_000;

let nowMs = 0;
let turns: (() => void)[] = [];
const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
const clock = {
	now: () => nowMs,
	afterTurn: (run: () => void) => void turns.push(run),
	after: (delayMs: number, run: () => void) => {
		const timer = { atMs: nowMs + delayMs, run };
		timers.add(timer);
		return () => timers.delete(timer);
	},
	random: () => 0.5,
};

let position = 0;
const stored = { snapshot: undefined, entries: [], position: 0, logBytes: 0 };
/** Has taken everything by the next turn, and keeps nothing. */
const store: Store = {
	location: "nowhere",
	open: async () => {},
	load: async () => stored,
	append: async (requests: readonly AppendRequest[]) => {
		position += 1;
		return requests.map(() => ({ status: "durable", position }));
	},
	compact: async () => ({ status: "unchanged", position }),
	close: async () => {},
};
const log = { debug() {}, info() {}, warn() {}, error: console.error };
const extensions = [
	new Durability({ store, clock, logger: log, compaction: { busyUpdatesMin: Number.POSITIVE_INFINITY } }),
	new Sync({ clock, logger: log }),
	new ContentLimits({ clock }),
];
const hocuspocus = new Hocuspocus({ quiet: true, extensions });
const request = new Request("http://localhost/");

async function open(name: string) {
	const options = { readOnly: false, isAuthenticated: true };
	const document = await hocuspocus.createDocument(name, request, "nobody", options);
	const address = addressField(name);
	const socket = new SilentSocket({ keeps: false });
	for (const each of [socket, new SilentSocket({ keeps: false })])
		new Connection(each, request, document, "somebody", {});
	const send = (body: Uint8Array) => socket.receive(Buffer.concat([address, body]));
	send(step1Body(new Uint8Array([0])));
	send(step2Body(new Uint8Array([0, 0])));
	return { typing: new Typing(1, document), send };
}

/** A millisecond later, and all that is due by then. */
async function pass(): Promise<void> {
	nowMs += 1;
	for (const timer of timers) {
		if (timer.atMs > nowMs) continue;
		timers.delete(timer);
		timer.run();
	}
	const due = turns;
	turns = [];
	for (const run of due) run();
	await null;
}

function oldBytes(): number {
	return getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space")?.space_used_size ?? 0;
}

const all = await Promise.all(Array.from({ length: documents }, (_, n) => open(`doc-${n}`)));
async function type(edits: number): Promise<void> {
	for (let n = 0; n < edits; n += 1) {
		// In no order: some are left alone for long, and others not.
		const document = all[(n * n + n) % documents] ?? all[0];
		for (const update of document?.typing.updates(1) ?? []) document?.send(updateBody(update));
		await pass();
	}
}

await type(warmUp);
const before = oldBytes();
await type(measured);
console.info(Math.round((oldBytes() - before) / measured));
process.exit(0);
