import { createHook } from "node:async_hooks";
import type { Socket } from "node:net";
import { Document } from "@hocuspocus/server";
import * as encoding from "lib0/encoding";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { type Crowd, crowdAddress, gather, gatherPlainly, SilentSocket } from "../../bench/micro/crowd.ts";
import { Typing } from "../../bench/micro/edits.ts";
import type { Clock } from "../../extensions/durability/clock.ts";
import { Acknowledgements } from "../../extensions/sync/acknowledgements.ts";
import {
	addressField,
	awarenessBody,
	step1Body,
	step2Body,
	updateBody,
} from "../../extensions/sync/bodies.ts";
import { Lobby } from "../../extensions/sync/lobby.ts";
import { encodeEntry, writePresence } from "../../extensions/sync/presence-entries.ts";
import { PresenceTimeouts } from "../../extensions/sync/presence-timeouts.ts";
import { TcpBinding } from "../../server/transport/tcp-handle.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { authenticationFrame, syncStep1Frame } from "../support/wire-frames.ts";

/** What makes the hot path cheap, counted: how often something is done does not depend on the machine. */

const encodings = vi.hoisted(() => ({ count: 0 }));
const decodings = vi.hoisted(() => ({ count: 0 }));

vi.mock("yjs", async (importOriginal) => {
	const yjs = await importOriginal<typeof Y>();
	return {
		...yjs,
		encodeStateAsUpdate: (...given: Parameters<typeof Y.encodeStateAsUpdate>) => {
			encodings.count += 1;
			return yjs.encodeStateAsUpdate(...given);
		},
		decodeUpdate: (update: Uint8Array) => {
			decodings.count += 1;
			return yjs.decodeUpdate(update);
		},
		decodeUpdateV2: (...given: Parameters<typeof Y.decodeUpdateV2>) => {
			decodings.count += 1;
			return yjs.decodeUpdateV2(...given);
		},
	};
});

afterEach(() => {
	encodings.count = 0;
	decodings.count = 0;
});

/** Time that passes when the test says so, and counts what is waiting for it. */
class CountingClock implements Clock {
	turns: (() => void)[] = [];
	readonly timers = new Set<{ readonly delayMs: number; readonly run: () => void }>();
	nowMs = 0;
	/** How often somebody has looked at it. */
	looks = 0;

	now(): number {
		this.looks += 1;
		return this.nowMs;
	}

	afterTurn(run: () => void): void {
		this.turns.push(run);
	}

	after(delayMs: number, run: () => void): () => void {
		const timer = { delayMs, run };
		this.timers.add(timer);
		return () => this.timers.delete(timer);
	}

	random(): number {
		return 0.5;
	}

	/** The end of a turn of the event loop. */
	endTurn(): void {
		const turns = this.turns;
		this.turns = [];
		for (const run of turns) run();
	}

	/** All timers that wait, each once. */
	ring(): void {
		for (const timer of [...this.timers]) {
			this.timers.delete(timer);
			this.nowMs += timer.delayMs;
			timer.run();
		}
	}
}

async function crowdOf(people: number, options: { readonly flushIntervalMs?: number } = {}) {
	const clock = new CountingClock();
	const crowd = await gather({ people, clock, keeps: true, ...options });
	return { clock, ...crowd };
}

/** Everybody who writes types one character, in the same turn. */
function typeAll({ sockets }: Pick<Crowd, "sockets">, typing: Typing, writers: number): void {
	typing.updates(writers).forEach((update, index) => {
		sockets[index]?.receive(message(updateBody(update)));
	});
}

function message(body: Uint8Array): Uint8Array {
	return Buffer.concat([crowdAddress, body]);
}

/** WebSocket messages in what was written. */
function messagesIn(written: Uint8Array | undefined): number {
	const bytes = Buffer.from(written ?? []);
	let messages = 0;
	for (let at = 0; at < bytes.byteLength; messages += 1) {
		const short = bytes.readUInt8(at + 1);
		at += short < 126 ? 2 + short : 4 + bytes.readUInt16BE(at + 2);
	}
	return messages;
}

/** Lets go of what was written up to now. */
function forgetWrites({ sockets }: Pick<Crowd, "sockets">): void {
	for (const socket of sockets) {
		socket.writes = 0;
		socket.written.length = 0;
	}
}

test("what 40 people type in a turn is one transaction, one turn's task and one write for each of 100 sockets", async () => {
	const { clock, document, sockets } = await crowdOf(100);
	const typing = new Typing(40, document);
	clock.endTurn();
	forgetWrites({ sockets });
	const happened = { transactions: 0, updates: 0 };
	document.on("afterTransaction", () => (happened.transactions += 1));
	document.on("update", () => (happened.updates += 1));
	typeAll({ sockets }, typing, 40);
	expect(clock.turns).toHaveLength(1);
	expect(happened.transactions).toBe(0);
	clock.endTurn();
	expect(happened).toEqual({ transactions: 1, updates: 1 });
	expect(new Set(sockets.map(({ writes }) => writes))).toEqual(new Set([1]));
	// Those who have typed get their acknowledgement in the same write.
	expect(sockets.map(({ written }) => messagesIn(written[0]))).toEqual([
		...new Array(40).fill(2),
		...new Array(60).fill(1),
	]);
	// Two buffers for all: with an acknowledgement and without.
	expect(new Set(sockets.map(({ written }) => written[0])).size).toBe(2);
	expect(encodings.count).toBe(0);
});

test("thousands of edits of one turn, as many people make, are one transaction, whatever limits are to be kept", async () => {
	const { clock, document, sockets } = await crowdOf(100);
	const typing = new Typing(100, document);
	clock.endTurn();
	let transactions = 0;
	document.on("afterTransaction", () => (transactions += 1));
	let bytes = 0;
	for (let round = 0; round < 15; round += 1) {
		for (const [index, update] of typing.updates(100).entries()) {
			bytes += update.byteLength;
			sockets[index]?.receive(message(updateBody(update)));
		}
	}
	expect(bytes).toBeGreaterThan(20_000);
	clock.endTurn();
	expect(transactions).toBe(1);
});

test("an edit that comes alone is sent in its turn: five looks at the clock, and nothing to come later", async () => {
	const { clock, document, sockets } = await crowdOf(3);
	const typing = new Typing(1, document);
	clock.endTurn();
	forgetWrites({ sockets });
	const timers = clock.timers.size;
	clock.looks = 0;
	typeAll({ sockets }, typing, 1);
	expect(clock.turns).toHaveLength(1);
	clock.endTurn();
	expect(sockets.map(({ writes }) => writes)).toEqual([1, 1, 1]);
	expect(clock.looks).toBe(5);
	expect(clock.timers.size).toBe(timers);
	expect(clock.turns).toHaveLength(0);
});

test("the stock document, for the comparison, makes a transaction of each update and a write of each for every socket", () => {
	const { document, sockets } = gatherPlainly(100);
	onTestFinished(() => document.destroy());
	const typing = new Typing(40, document);
	forgetWrites({ sockets });
	let transactions = 0;
	document.on("afterTransaction", () => (transactions += 1));
	for (const update of typing.updates(40)) Y.applyUpdate(document, update);
	expect(transactions).toBe(40);
	expect(new Set(sockets.map(({ writes }) => writes))).toEqual(new Set([40]));
});

test("edits and moves of cursors of one turn leave in one write", async () => {
	const { clock, document, sockets } = await crowdOf(50);
	const typing = new Typing(10, document);
	clock.endTurn();
	forgetWrites({ sockets });
	let presence = 0;
	document.awareness.on("update", () => (presence += 1));
	typeAll({ sockets }, typing, 10);
	for (const clockOfPresence of [1, 2, 3]) {
		sockets.forEach((socket, index) => {
			const entry = encodeEntry(1_000 + index, clockOfPresence, { name: "somebody" });
			socket.receive(message(awarenessBody(writePresence([entry]))));
		});
	}
	clock.endTurn();
	expect(presence).toBe(1);
	expect(new Set(sockets.map(({ writes }) => writes))).toEqual(new Set([1]));
	// The update and the latest state of each, after the acknowledgement where there is one.
	expect(sockets.map(({ written }) => messagesIn(written[0]))).toEqual([
		...new Array(10).fill(3),
		...new Array(40).fill(2),
	]);
});

test("50 who join share one encoding of the document and the bytes it is framed in", async () => {
	const { clock, document, sockets } = await crowdOf(50);
	new Typing(200, document);
	clock.endTurn();
	forgetWrites({ sockets });
	const question = message(step1Body(new Uint8Array([0])));
	for (const socket of sockets) socket.receive(question);
	expect(encodings.count).toBe(1);
	expect(new Set(sockets.map(({ written }) => written[0])).size).toBe(1);
});

test("50 who join while somebody types share one encoding of the document", async () => {
	const { clock, document, sockets } = await crowdOf(51);
	const typing = new Typing(1, document);
	clock.endTurn();
	const question = message(step1Body(new Uint8Array([0])));
	const [author, ...joiners] = sockets;
	for (const socket of joiners) {
		for (const update of typing.updates(1)) author?.receive(message(updateBody(update)));
		socket.receive(question);
		clock.endTurn();
	}
	expect(encodings.count).toBe(1);
});

test("50 who come back with the same share one encoding of what they lack", async () => {
	const { clock, document, sockets } = await crowdOf(50);
	const typing = new Typing(20, document);
	const stateVector = Y.encodeStateVector(document);
	for (const update of typing.updates(20)) Y.applyUpdate(document, update);
	clock.endTurn();
	forgetWrites({ sockets });
	for (const socket of sockets) socket.receive(message(step1Body(stateVector)));
	expect(encodings.count).toBe(1);
	expect(new Set(sockets.map(({ written }) => written[0])).size).toBe(1);
});

test("a client that brings nothing new when it joins costs no transaction and no flush", async () => {
	const { clock, document, sockets } = await crowdOf(2);
	new Typing(20, document);
	clock.endTurn();
	forgetWrites({ sockets });
	let transactions = 0;
	document.on("afterTransaction", () => (transactions += 1));
	const empty = encoding.encode((encoder) => {
		for (const type of [0, 1]) encoding.writeVarUint(encoder, type);
		encoding.writeVarUint8Array(encoder, new Uint8Array([0, 0]));
	});
	sockets[0]?.receive(message(empty));
	expect({ transactions, turns: clock.turns.length }).toEqual({ transactions: 0, turns: 0 });
	expect(sockets.map(({ writes }) => writes)).toEqual([1, 0]);
});

test("under load there is one timer for a document's next flush, and after it there is none", async () => {
	const { clock, document, sockets } = await crowdOf(100, { flushIntervalMs: 80 });
	const typing = new Typing(100, document);
	clock.endTurn();
	const idle = clock.timers.size;
	let most = 0;
	for (let turn = 0; turn < 20; turn += 1) {
		typeAll({ sockets }, typing, 100);
		most = Math.max(most, clock.timers.size + clock.turns.length);
		clock.nowMs += 5;
		clock.endTurn();
	}
	expect(most).toBe(idle + 1);
	clock.ring();
	clock.endTurn();
	expect(clock.timers.size).toBe(idle);
	expect(clock.turns).toHaveLength(0);
});

test("a document that nobody has touched for a while has nothing on the clock but what all documents share", async () => {
	const one = await crowdOf(1);
	const many = await crowdOf(200);
	for (const { clock, sockets } of [one, many]) {
		for (const socket of sockets) socket.receive(message(step1Body(new Uint8Array([0]))));
		clock.endTurn();
		// What is kept for those who join goes with this.
		clock.ring();
	}
	expect(many.clock.timers.size).toBe(one.clock.timers.size);
	expect(many.clock.timers.size).toBeLessThanOrEqual(1);
	expect(many.clock.turns).toHaveLength(0);
});

test("documents that come and go share one timer for presence that is not heard of any more", () => {
	const clock = new CountingClock();
	const timeouts = new PresenceTimeouts(clock);
	for (let round = 0; round < 20; round += 1) {
		const document = new Document("doc");
		timeouts.watch(document);
		document.destroy();
	}
	expect(clock.timers.size).toBe(1);
	const last = new Document("doc");
	onTestFinished(() => last.destroy());
	timeouts.watch(last);
	clock.ring();
	expect(clock.timers.size).toBe(1);
	last.destroy();
	clock.ring();
	expect(clock.timers.size).toBe(0);
});

test("an edit is decoded once, by whoever looks whether it can be let in, and a picture as well", async () => {
	const { node, url } = await startLocalNode();
	const ws = await open(url, "doc");
	const frames: Uint8Array[] = [];
	ws.on("message", (frame: Uint8Array) => frames.push(frame));
	await eventually("it to be let in", () => frames.length === 3);
	const address = addressField("doc");
	ws.send(Buffer.concat([address, step2Body(new Uint8Array([0, 0]))]));
	await eventually("that to be acknowledged", () => frames.length === 4);
	decodings.count = 0;
	const drawing = new Y.Doc();
	const updates: Uint8Array[] = [];
	drawing.on("update", (update: Uint8Array) => updates.push(update));
	drawing.getMap("board").set("picture", new Uint8Array(65_536));
	drawing.getText("text").insert(0, "x");
	for (const update of updates) ws.send(Buffer.concat([address, updateBody(update)]));
	await eventually("both to be acknowledged", () => frames.length === 6);
	expect(decodings.count).toBe(2);
	expect(node.hocuspocus.documents.get("doc")?.getMap("board").size).toBe(1);
});

test("of those whose edits a commit has stored, 16 are told in each turn, in order, and nobody who does not read", () => {
	const clock = new CountingClock();
	const acknowledgements = new Acknowledgements(clock);
	const told: number[] = [];
	for (let n = 0; n < 40; n += 1)
		acknowledgements.send({ isBehind: n === 20, sendAcknowledgements: () => told.push(n) });
	const people = Array.from({ length: 40 }, (_, n) => n);
	expect(told).toEqual(people.slice(0, 16));
	expect(clock.turns).toHaveLength(1);
	clock.endTurn();
	expect(told).toHaveLength(31);
	clock.endTurn();
	expect(told).toEqual(people.filter((n) => n !== 20));
	expect(clock.turns).toHaveLength(0);
	clock.nowMs += 1;
	acknowledgements.send({ isBehind: false, sendAcknowledgements: () => told.push(40) });
	expect(told.at(-1)).toBe(40);
});

test("whoever opens a document that is not in memory is sent pictures as they are stored, and only what is small is merged", async () => {
	const drawing = new Y.Doc();
	const updates: Uint8Array[] = [];
	drawing.on("update", (update: Uint8Array) => updates.push(update));
	for (const size of [65_536, 1, 1, 65_536, 1])
		drawing.getArray("board").push([new Uint8Array(size).fill(updates.length)]);
	const lobby = new Lobby(() => true);
	const socket = new SilentSocket({ keeps: true });
	lobby.asked("doc", { socket, address: addressField("doc") });
	const entries = updates.map((update, index) => ({ position: index + 1, updates: [update] }));
	const early = await lobby.answer("doc", { snapshot: undefined, entries, position: 5, logBytes: 131_000 });
	const [first, , , second] = updates;
	expect(early?.updates).toEqual([first, expect.anything(), second, expect.anything()]);
	expect(early?.updates[0]).toBe(first);
	expect(early?.updates[2]).toBe(second);
	const copy = new Y.Doc();
	for (const update of early?.updates ?? []) Y.applyUpdate(copy, update);
	expect(copy.getArray("board").toJSON()).toEqual(drawing.getArray("board").toJSON());
});

test.each([
	["an open document", true],
	["one that has to be loaded", false],
])("whoever comes to %s is let in and answered in one write", async (_, isOpen) => {
	// Whose first load does not wait for a thread to start, which a busy machine may take longer for than an answer waits.
	const { node, url } = await startLocalNode({ store: new MemoryStore() });
	if (isOpen) await open(url, "doc");
	if (isOpen) await eventually("the document to be open", () => node.hocuspocus.documents.has("doc"));
	// Of all connections of the process that are a node's.
	const writes = (["write", "writeAll"] as const).map((name) => vi.spyOn(TcpBinding.prototype, name));
	onTestFinished(() => {
		for (const write of writes) write.mockRestore();
	});
	const ws = await connect(url);
	// The handshake's answer.
	for (const write of writes) write.mockClear();
	const types: number[][] = [];
	ws.on("message", (frame: Uint8Array) => types.push([...frame.subarray("Ndoc".length, "Ndoc".length + 2)]));
	// As a browser sends what is written in one go.
	const { _socket: own } = ws as unknown as { readonly _socket: Socket };
	own.cork();
	ws.send(authenticationFrame("doc"));
	ws.send(syncStep1Frame("doc"));
	own.uncork();
	await eventually("everything to have come", () => types.length === 3);
	// That it is in, what the document holds, and what the client has that the server lacks.
	expect(types).toEqual([
		[2, 2],
		[0, 1],
		[0, 0],
	]);
	expect(writes.flatMap(({ mock }) => mock.calls)).toHaveLength(1);
});

test("whoever comes to a document that takes long to load is told that it was let in all the same", async () => {
	const store = new MemoryStore();
	const { url } = await startLocalNode({ store });
	store.hold();
	const told: number[] = [];
	for (const hasAsked of [true, false]) {
		const ws = await connect(url);
		ws.on("message", () => told.push(told.length));
		ws.send(authenticationFrame("doc"));
		if (hasAsked) ws.send(syncStep1Frame("doc"));
	}
	await eventually("both to be told", () => told.length === 2);
	store.release();
	await eventually("the answer", () => told.length > 3);
});

test("[TRN1] sockets and documents that are open have no timers of their own", async () => {
	const timers = new Set<number>();
	const hook = createHook({
		init(id, type) {
			if (type === "Timeout") timers.add(id);
		},
		destroy: (id) => void timers.delete(id),
	}).enable();
	onTestFinished(() => void hook.disable());
	const { node, url } = await startLocalNode();
	await Promise.all(Array.from({ length: 60 }, (_, index) => open(url, `doc-${index % 30}`)));
	await eventually("everybody to be connected", () => node.hocuspocus.getConnectionsCount() === 60);
	// Of the node itself there are a few, as of the load watch, the heartbeat and the sweep of the log.
	await eventually("what waits for quiet to be over", () => timers.size < 15);
	expect([node.hocuspocus.documents.size, node.hocuspocus.getConnectionsCount()]).toEqual([30, 60]);
});

/** A client without a provider, which has timers. */
async function open(url: string, name: string): Promise<WebSocket> {
	const ws = await connect(url);
	ws.send(authenticationFrame(name));
	ws.send(syncStep1Frame(name));
	return ws;
}

async function connect(url: string): Promise<WebSocket> {
	const ws = new WebSocket(url);
	onTestFinished(() => ws.terminate());
	await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
	return ws;
}
