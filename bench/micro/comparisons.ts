import type { Writable } from "node:stream";
import { deserialize, serialize } from "node:v8";
import * as decoding from "lib0/decoding";
import * as ws from "ws";
import { applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { DocumentLog } from "../../extensions/durability/document-log.ts";
import { packBatch, sizeOf, unpackBatch } from "../../extensions/durability/sqlite/packing.ts";
import { SharedSlot } from "../../extensions/durability/storage/shared-slot.ts";
import { updateEnds } from "../../extensions/durability/update-ends.ts";
import { inspectIncoming } from "../../extensions/durability/wire.ts";
import { addressField, awarenessBody, step1Body, updateBody } from "../../extensions/sync/bodies.ts";
import { mergeMany } from "../../extensions/sync/merge-many.ts";
import { encodeEntry, writePresence } from "../../extensions/sync/presence-entries.ts";
import { beginsWith, isMessageType } from "../../server/transport/frames.ts";
import { toWebRequest } from "../../server/transport/web-request.ts";
import { WebSocketReader } from "../../server/transport/web-socket-reader.ts";
import { clientFrame } from "../lean-socket.ts";
import { generateDocument } from "../typist.ts";
import type { Comparison } from "./compare.ts";
import { crowdAddress, gather, gatherPlainly, stillClock } from "./crowd.ts";
import { clientIds, keystroke, Typing } from "./edits.ts";

/** What `ws` reads frames with; its types leave it out. */
const { Receiver } = ws as unknown as {
	Receiver: new (options: { readonly isServer: boolean; readonly maxPayload: number }) => Writable;
};

/** What arrives on a socket: a small message in each piece, as when people type, or a picture in two. */
function reading(name: string, message: Uint8Array, pieces: number, count: number): Comparison {
	const frame = masked(clientFrame(message), message.byteLength);
	const bytesMax = 16 * 1024 * 1024;
	let bytes = 0;
	const nothing = () => {};
	const sink = {
		isReading: true,
		message: (payload: Buffer) => (bytes += payload.byteLength),
		part: nothing,
		ping: nothing,
		pong: nothing,
		closing: nothing,
		violated: nothing,
	};
	const reader = new WebSocketReader(bytesMax);
	const receiver = new Receiver({ isServer: true, maxPayload: bytesMax });
	receiver.on("message", (payload: Buffer) => (bytes += payload.byteLength));
	let chunks: Buffer[] = [];
	// Masks are taken off where they are.
	const prepare = () => {
		chunks = Array.from({ length: count * pieces }, (_, index) => {
			const size = Math.ceil(frame.byteLength / pieces);
			const at = (index % pieces) * size;
			return Buffer.from(frame.subarray(at, at + size));
		});
	};
	return {
		name,
		ours: {
			what: "our reader",
			prepare,
			run: () => {
				for (const chunk of chunks) reader.read(chunk, sink);
				return bytes;
			},
		},
		plain: {
			what: "the receiver of `ws`",
			prepare,
			run: () => {
				for (const chunk of chunks) receiver.write(chunk);
				return bytes;
			},
		},
		timesMin: 1.3,
	};
}

/** Real clients' masks are not zero. */
function masked(frame: Buffer, payloadBytes: number): Buffer {
	const payloadAt = frame.byteLength - payloadBytes;
	const mask = [0x12, 0x34, 0x56, 0x78];
	frame.set(mask, payloadAt - mask.length);
	for (let at = 0; at < payloadBytes; at += 1)
		frame[payloadAt + at] = (frame[payloadAt + at] ?? 0) ^ (mask[at & 3] ?? 0);
	return frame;
}

/** Whom a message is for and what it is, once for each. */
function routing(): Comparison {
	const documentName = "projects/4711/minutes of the meeting";
	const address = addressField(documentName);
	const frames = clientIds(1_000).map((clientId) =>
		Buffer.concat([address, updateBody(keystroke(clientId, 1))]),
	);
	const routes = new Map([[documentName, 1]]);
	return {
		name: "routing 1,000 messages",
		ours: {
			what: "the address' bytes compared, the payload where it is",
			run: () => {
				let bytes = 0;
				for (const frame of frames) {
					if (!beginsWith(frame, address) || !isMessageType(frame[address.byteLength])) continue;
					const incoming = inspectIncoming(frame);
					if (incoming.type === "update") bytes += incoming.payload.byteLength;
				}
				return bytes;
			},
		},
		plain: {
			what: "the address decoded, looked up, the payload copied",
			run: () => {
				let bytes = 0;
				for (const frame of frames) {
					const decoder = decoding.createDecoder(frame);
					const [name = ""] = decoding.readVarString(decoder).split("\0");
					if (!routes.has(name)) continue;
					for (let fields = 0; fields < 2; fields += 1) decoding.readVarUint(decoder);
					bytes += decoding.readVarUint8Array(decoder).slice().byteLength;
				}
				return bytes;
			},
		},
		timesMin: 1.2,
	};
}

/** Whether an update can be read at all. */
function checking(): Comparison {
	const updates = clientIds(200).map((clientId) => keystroke(clientId, 1));
	return {
		name: "checking 200 updates",
		ours: { what: "read to the end", run: () => updates.map((update) => updateEnds(update)) },
		plain: {
			what: "applied to an empty document",
			run: () => updates.map((update) => Y.applyUpdate(new Y.Doc(), update)),
		},
		timesMin: 10,
	};
}

/** What people type between two flushes. */
function transactions(): Comparison {
	const [ours, plain] = [new Typing(1_000), new Typing(1_000)];
	for (const { document } of [ours, plain]) document.on("update", () => {});
	let updates: Uint8Array[] = [];
	return {
		name: "100 updates, 1,000 writers known",
		ours: {
			what: "one transaction",
			prepare: () => {
				updates = ours.updates(100);
			},
			run: () =>
				ours.document.transact(() => {
					for (const update of updates) Y.applyUpdate(ours.document, update);
				}),
		},
		plain: {
			what: "100 transactions",
			prepare: () => {
				updates = plain.updates(100);
			},
			run: () => {
				for (const update of updates) Y.applyUpdate(plain.document, update);
			},
		},
		timesMin: 3,
	};
}

/** The whole turn of a busy document: received, applied, sent, acknowledged. */
async function turn(): Promise<Comparison> {
	const [writers, readers] = [50, 200];
	const [crowd, stock] = [await gather({ people: readers, clock: stillClock }), gatherPlainly(readers)];
	const [ours, plain] = [new Typing(writers, crowd.document), new Typing(writers, stock.document)];
	crowd.document.flush();
	let updates: Uint8Array[] = [];
	return {
		name: `a turn: ${writers} write, ${readers} read`,
		ours: {
			what: "our document",
			prepare: () => {
				updates = ours.updates(writers).map((update) => Buffer.concat([crowdAddress, updateBody(update)]));
			},
			run: () => {
				updates.forEach((frame, index) => {
					crowd.sockets[index]?.receive(frame);
				});
				crowd.document.flush();
			},
		},
		plain: {
			what: "Hocuspocus' document, each update at once",
			prepare: () => {
				updates = plain.updates(writers);
			},
			run: () => {
				for (const update of updates) Y.applyUpdate(stock.document, update);
			},
		},
		timesMin: 2,
	};
}

/** An edit and somebody's cursor to 1,000 people. */
async function fanOut(): Promise<Comparison> {
	const { document, sockets } = await gather({ people: 1_000, clock: stillClock });
	const typing = new Typing(1, document);
	document.flush();
	let clock = 0;
	let bodies: Uint8Array[] = [];
	const prepare = () => {
		clock += 1;
		const presence = awarenessBody(writePresence([encodeEntry(1, clock, cursor(clock))]));
		bodies = [...typing.updates(1).map(updateBody), presence];
	};
	return {
		name: "an edit and a cursor to 1,000 sockets",
		ours: {
			what: "applied, framed once, one write each",
			prepare,
			run: () => {
				for (const body of bodies) sockets[0]?.receive(Buffer.concat([crowdAddress, body]));
				document.flush();
			},
		},
		plain: {
			what: "framed for each, a write for each message",
			prepare,
			run: () => {
				for (const socket of sockets)
					for (const body of bodies)
						socket.sendFramed(Buffer.concat([header(crowdAddress.length + body.length), crowdAddress, body]));
			},
		},
		// Though ours is the whole way, and the other one frames only.
		timesMin: 1.1,
	};
}

function header(messageBytes: number): Buffer {
	return Buffer.from([0x82, 126, messageBytes >> 8, messageBytes & 0xff]);
}

/** Everybody's cursor has moved twice since the last flush. */
async function cursors(): Promise<Comparison> {
	const people = clientIds(300);
	const { document, sockets } = await gather({ people: 1, clock: stillClock });
	const { awareness } = gatherPlainly(0).document;
	let clock = 0;
	let moves: { readonly clientId: number; readonly update: Uint8Array }[] = [];
	let frames: Uint8Array[] = [];
	const prepare = () => {
		moves = [1, 2].flatMap(() => {
			clock += 1;
			return people.map((clientId) => ({
				clientId,
				update: writePresence([encodeEntry(clientId, clock, cursor(clock))]),
			}));
		});
		frames = moves.map(({ update }) => Buffer.concat([crowdAddress, awarenessBody(update)]));
	};
	return {
		name: "600 moves of 300 cursors",
		ours: {
			what: "received, applied and encoded together",
			prepare,
			run: () => {
				for (const frame of frames) sockets[0]?.receive(frame);
				document.flush();
			},
		},
		plain: {
			what: "each applied and encoded",
			prepare,
			run: () =>
				moves.map(({ clientId, update }) => {
					applyAwarenessUpdate(awareness, update, null);
					return encodeAwarenessUpdate(awareness, [clientId]);
				}),
		},
		timesMin: 1.1,
	};
}

function cursor(at: number): object {
	return {
		user: { name: "Margaret", color: "#8a3ffc" },
		cursor: { anchor: { type: null, tname: "default", item: { client: 7, clock: at } }, head: null },
	};
}

/** 50 people come to a document of half a megabyte, all at once or with an edit before each. */
async function joins(isChanging: boolean): Promise<Comparison> {
	const { document, sockets } = await gather({ people: 50, clock: stillClock });
	Y.applyUpdate(document, generateDocument(225_000));
	const question = Buffer.concat([crowdAddress, step1Body(new Uint8Array([0]))]);
	const typing = new Typing(1, document);
	const type = () => {
		for (const update of typing.updates(1)) Y.applyUpdate(document, update);
	};
	return {
		name: `50 joins, an edit before ${isChanging ? "each" : "all"}`,
		ours: {
			what: isChanging ? "the state of before, and the changes" : "one answer for all",
			prepare: type,
			run: () => {
				for (const socket of sockets) {
					if (isChanging) type();
					socket.receive(question);
				}
			},
		},
		plain: {
			what: "the document encoded for each",
			run: () => {
				// Five, and not 50, as it takes so long.
				for (let joiner = 0; joiner < 5; joiner += 1) Y.encodeStateAsUpdate(document);
			},
			repeats: 10,
		},
		timesMin: isChanging ? 3 : 10,
	};
}

/** What the log of a document holds when it is loaded. */
function merging(): Comparison {
	const updates = Array.from({ length: 10 }, (_, clock) => clock).flatMap((clock) =>
		clientIds(200).map((clientId) => keystroke(clientId, clock)),
	);
	return {
		name: "merging 2,000 updates of 200 writers",
		ours: { what: "16 at a time", run: () => mergeMany(updates) },
		plain: { what: "all at once", run: () => Y.mergeUpdates(updates) },
		timesMin: 3,
	};
}

/** A full log: what a node does when its store was away. */
function settling(): Comparison {
	const update = keystroke(1, 1);
	const listener = { durable: () => {}, abandoned: () => {} };
	const settle = (log: DocumentLog, updates: number, commits: number) => {
		for (let index = 0; index < updates; index += 1) {
			log.append(update);
			log.listen(listener);
		}
		while (log.hasQueued) {
			log.take((updates / commits) * update.byteLength);
			log.settle();
		}
	};
	return {
		name: "10,000 updates logged and acknowledged",
		ours: { what: "all at once, in ten commits", run: () => settle(new DocumentLog("doc"), 10_000, 10) },
		plain: {
			what: "a hundred at a time",
			run: () => {
				const log = new DocumentLog("doc");
				for (let round = 0; round < 100; round += 1) settle(log, 100, 1);
			},
		},
		// Not cheaper, but it must not cost more the longer the log is.
		timesMin: 0.3,
	};
}

/** What a commit of one edit says to the thread that writes. */
function handingOver(): Comparison {
	const slot = new SharedSlot();
	const batches = clientIds(1_000).map((clientId) => [
		{ documentName: "projects/4711/minutes of the meeting", updates: [keystroke(clientId, 1)] },
	]);
	return {
		name: "handing over 1,000 commits of one edit",
		ours: {
			what: "bytes in shared memory",
			run: () => {
				let bytes = 0;
				batches.forEach((batch, id) => {
					slot.put(id, sizeOf(batch).packed, (target) => packBatch(target, batch));
					slot.ring();
					for (const { payload } of unpackBatch(slot.take()?.question ?? Buffer.alloc(0)))
						bytes += payload.byteLength;
				});
				return bytes;
			},
		},
		plain: {
			what: "a message, serialized and read again",
			run: () => {
				let bytes = 0;
				batches.forEach((batch, id) => {
					const question = deserialize(serialize({ id, kind: "append", ask: batch })) as {
						ask: typeof batch;
					};
					for (const { updates } of question.ask) bytes += updates[0]?.byteLength ?? 0;
				});
				return bytes;
			},
		},
		// The wake-ups, which are most of it, are left out on both sides.
		timesMin: 1.5,
	};
}

/** What a handshake hands to Hocuspocus. */
function requests(): Comparison {
	const rawHeaders = [
		["Host", "example.com"],
		["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0"],
		["Origin", "https://example.com"],
		["Cookie", "session=0123456789abcdef0123456789abcdef; theme=dark"],
		["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
		["Accept-Language", "en-GB,en;q=0.9"],
	].flat();
	const incoming = { url: "/?document=a", headers: { host: "example.com" }, rawHeaders };
	return {
		name: "the requests of 500 handshakes",
		ours: {
			what: "made when somebody looks, and nobody does",
			run: () =>
				Array.from({ length: 500 }, () => {
					const made = toWebRequest(incoming as unknown as Parameters<typeof toWebRequest>[0]);
					return [made.url, made.headers];
				}),
		},
		plain: {
			what: "made at once",
			run: () =>
				Array.from({ length: 500 }, () => {
					const headers = new Headers();
					for (let at = 0; at < rawHeaders.length; at += 2)
						headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
					return new Request("http://example.com/?document=a", { headers });
				}),
		},
		timesMin: 2,
	};
}

/** In the order of an edit's way. Made when it is their turn, so that the memory of one is not a burden to the others. */
export const comparisons: readonly (() => Comparison | Promise<Comparison>)[] = [
	() => reading("reading 1,000 frames of a keystroke", updateBody(keystroke(7, 1)), 1, 1_000),
	() => reading("reading 20 frames of 64 kB", new Uint8Array(64 * 1024), 2, 20),
	routing,
	checking,
	transactions,
	fanOut,
	turn,
	cursors,
	() => joins(false),
	() => joins(true),
	merging,
	settling,
	handingOver,
	requests,
];
