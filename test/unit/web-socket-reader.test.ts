import type { Writable } from "node:stream";
import { expect, test } from "vitest";
import * as ws from "ws";
import type { CloseCode } from "../../server/transport/close-codes.ts";
import { unmask } from "../../server/transport/unmask.ts";
import { WebSocketReader, type WebSocketSink } from "../../server/transport/web-socket-reader.ts";
import { type ClientFrame, clientFrame, inPieces } from "../support/client-frames.ts";
import { mutate } from "../support/fuzz/mutate.ts";
import { Random, testSeed } from "../support/random.ts";

/** What `ws` reads frames with; its types leave it out. */
const { Receiver } = ws as unknown as {
	Receiver: new (options: { readonly isServer: boolean; readonly maxPayload: number }) => Writable;
};

const messageBytesMax = 100_000;
const rounds = Number(process.env.INDELIBLE_FUZZ_ROUNDS ?? 3_000);

/** What was read, in order: `message:…`, `ping:…`, `pong`, `closing:1000`, `violated:1002`. Nothing comes after the last two. */
class Events implements WebSocketSink {
	readonly list: string[] = [];
	readonly reasons: string[] = [];
	parts = 0;
	isReading = true;

	message(payload: Buffer): void {
		this.list.push(`message:${payload.toString("hex")}`);
	}

	part(): void {
		this.parts += 1;
	}

	ping(payload: Buffer): void {
		this.list.push(`ping:${payload.toString("hex")}`);
	}

	pong(): void {
		this.list.push("pong");
	}

	closing(code: number): void {
		this.list.push(`closing:${code}`);
		this.isReading = false;
	}

	violated({ code, reason }: CloseCode): void {
		this.list.push(`violated:${code}`);
		this.reasons.push(reason);
		this.isReading = false;
	}
}

function eventsOf(pieces: Iterable<Buffer>): Events {
	const events = new Events();
	const reader = new WebSocketReader(messageBytesMax);
	for (const piece of pieces) if (events.isReading) reader.read(piece, events);
	return events;
}

/** What `ws` makes of the same. */
async function eventsOfWs(pieces: Iterable<Buffer>): Promise<string[]> {
	const receiver = new Receiver({ isServer: true, maxPayload: messageBytesMax });
	const events: string[] = [];
	let hasEnded = false;
	const note = (event: string) => {
		if (!hasEnded) events.push(event);
	};
	receiver.on("message", (data: Buffer, isBinary: boolean) =>
		note(isBinary ? `message:${data.toString("hex")}` : "text"),
	);
	receiver.on("ping", (data: Buffer) => note(`ping:${data.toString("hex")}`));
	receiver.on("pong", () => note("pong"));
	receiver.on("conclude", (code: number) => {
		note(`closing:${code}`);
		hasEnded = true;
	});
	receiver.on("error", (error: Error) => {
		const status = Object.getOwnPropertySymbols(error).find(
			({ description }) => description === "status-code",
		);
		note(`violated:${(error as unknown as Record<symbol, number>)[status ?? Symbol.iterator]}`);
		hasEnded = true;
	});
	for (const piece of pieces) {
		if (hasEnded) break;
		await new Promise<void>((resolve) => receiver.write(Buffer.from(piece), () => resolve()));
	}
	receiver.destroy();
	return events;
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const ended = (code: number) => Buffer.from([code >> 8, code & 255, ...Buffer.from("bye")]);

const small = [0, 1, 5, 63, 64, 65, 125, 126, 200];

function randomFrames(random: Random, sizes: readonly number[]): Buffer {
	const mask = () => (random.chance(0.1) ? [0, 0, 0, 0] : [...random.bytes(4)]);
	const payload = () => random.bytes(random.pick(sizes));
	const control = () => random.bytes(random.below(126));
	const frames: ClientFrame[] = [];
	for (let count = 1 + random.below(6); count > 0; count -= 1) {
		const kind = random.below(4);
		if (kind < 2) frames.push({ opcode: opcodes.binary, payload: payload(), mask: mask() });
		else if (kind === 2)
			frames.push({ opcode: random.pick([opcodes.ping, opcodes.pong]), payload: control(), mask: mask() });
		else {
			frames.push({ opcode: opcodes.binary, isFinal: false, payload: payload(), mask: mask() });
			for (let parts = random.below(4); parts > 0; parts -= 1) {
				if (random.chance(0.3)) frames.push({ opcode: opcodes.ping, payload: control(), mask: mask() });
				frames.push({ opcode: opcodes.continuation, isFinal: false, payload: payload(), mask: mask() });
			}
			frames.push({ opcode: opcodes.continuation, payload: payload(), mask: mask() });
		}
	}
	if (random.chance(0.3))
		frames.push({ opcode: opcodes.close, payload: random.chance(0.2) ? new Uint8Array() : ended(1000) });
	return Buffer.concat(frames.map(clientFrame));
}

test("frames of any kind, cut anywhere by the network, are to us what they are to `ws`", async () => {
	const random = new Random(testSeed("web-socket-reader"));
	for (let round = 0; round < rounds / 30; round += 1) {
		const bytes = randomFrames(random, round % 10 === 0 ? [...small, 70_000] : small);
		const expected = await eventsOfWs([bytes]);
		expect(eventsOf(inPieces(bytes, random)).list).toEqual(expected);
	}
});

test("[TRN5] frames that were tampered with are refused where `ws` refuses them", async () => {
	const random = new Random(testSeed("web-socket-reader tampered"));
	let refused = 0;
	for (let round = 0; round < rounds; round += 1) {
		const whole = randomFrames(random, small);
		const bytes = Buffer.from(mutate(random, whole.subarray(0, 400), [randomFrames(random, small)]));
		const expected = await eventsOfWs([Buffer.from(bytes)]);
		const { list } = eventsOf(inPieces(bytes, random));
		// Text is refused at its first byte here, and read to its end there.
		const text = list.indexOf("violated:1003");
		// Bits that may not be set are refused with the byte that they are in here, and with the next one there.
		const isEarlier = list.length === expected.length + 1 && list.at(-1) === "violated:1002";
		if (isEarlier) list.pop();
		if (text === -1) expect(list.map(asWs), bytes.toString("hex")).toEqual(expected.map(asWs));
		else expect(list.slice(0, text)).toEqual(expected.slice(0, text));
		if (list.some((event) => event.startsWith("violated"))) refused += 1;
	}
	expect(refused).toBeGreaterThan(rounds / 20);
});

/** A reason that is not UTF-8 has a code of its own there. */
function asWs(event: string): string {
	return event === "violated:1007" ? "violated:1002" : event;
}

const hello = Buffer.from("hello");
const violations: [string, ClientFrame[], number, RegExp][] = [
	["a frame that is not masked", [{ opcode: opcodes.binary, payload: hello, mask: [] }], 1002, /not masked/],
	["reserved bits", [{ opcode: opcodes.binary, reserved: 4, payload: hello }], 1002, /reserved/],
	["an unknown opcode", [{ opcode: 3, payload: hello }], 1002, /opcode/],
	["an unknown control opcode", [{ opcode: 11 }], 1002, /opcode/],
	["text", [{ opcode: opcodes.text, payload: hello }], 1003, /unsupported-data/],
	["a part of nothing", [{ opcode: opcodes.continuation, payload: hello }], 1002, /out of order/],
	[
		"a message within a message",
		[
			{ opcode: opcodes.binary, isFinal: false, payload: hello },
			{ opcode: opcodes.binary, payload: hello },
		],
		1002,
		/out of order/,
	],
	["a ping in parts", [{ opcode: opcodes.ping, isFinal: false }], 1002, /control frame/],
	["a ping of 126 bytes", [{ opcode: opcodes.ping, payload: new Uint8Array(126) }], 1002, /control frame/],
	["a close code in one byte", [{ opcode: opcodes.close, payload: Buffer.alloc(1) }], 1002, /close code/],
	[
		"a close code that must not be sent",
		[{ opcode: opcodes.close, payload: ended(1006) }],
		1002,
		/close code/,
	],
	["a close code below all", [{ opcode: opcodes.close, payload: ended(999) }], 1002, /close code/],
	["a close code above all", [{ opcode: opcodes.close, payload: ended(5000) }], 1002, /close code/],
	["a reason that is no text", [{ opcode: opcodes.close, payload: Buffer.of(3, 232, 255) }], 1002, /UTF-8/],
	[
		"a message that is too large",
		[{ opcode: opcodes.binary, claimedBytes: messageBytesMax + 1 }],
		1009,
		/frame-too-big/,
	],
	[
		"a message of 2⁶⁴ bytes",
		[{ opcode: opcodes.binary, lengthBits: 64, claimedBytes: 2 ** 64 - 2 ** 11 }],
		1009,
		/frame-too-big/,
	],
	[
		"parts that are too large together",
		[
			{ opcode: opcodes.binary, isFinal: false, payload: new Uint8Array(60_000) },
			{ opcode: opcodes.continuation, claimedBytes: 40_001 },
		],
		1009,
		/frame-too-big/,
	],
];

test.each(violations)("[TRN5] %s is refused as soon as it can be seen", (_, frames, code, reason) => {
	const bytes = Buffer.concat(frames.map(clientFrame));
	for (const pieces of [[Buffer.from(bytes)], [...bytes].map((byte) => Buffer.of(byte))]) {
		const { list, reasons } = eventsOf(pieces);
		expect(list).toEqual([`violated:${code}`]);
		expect(reasons[0]).toMatch(reason);
	}
});

test("a message that comes whole is not copied", () => {
	const chunk = clientFrame({ opcode: opcodes.binary, payload: hello });
	const events = new Events();
	let received: Buffer | undefined;
	events.message = (payload) => (received = payload);
	new WebSocketReader(messageBytesMax).read(chunk, events);
	expect(received?.toString()).toBe("hello");
	expect(received?.buffer).toBe(chunk.buffer);
});

test("each part of a message is told of, also an empty one: whoever sends many can be stopped", () => {
	const part = (opcode: number) => clientFrame({ opcode, isFinal: false });
	const bytes = Buffer.concat([
		part(opcodes.binary),
		...Array.from({ length: 1_000 }, () => part(opcodes.continuation)),
	]);
	expect(eventsOf([bytes]).parts).toBe(1_001);
});

test("a mask is taken off any bytes at any address", () => {
	const random = new Random(testSeed("unmask"));
	for (let round = 0; round < 2_000; round += 1) {
		const at = random.below(9);
		const bytes = random.bytes(at + random.below(300)).subarray(at);
		const mask = random.bytes(4);
		const expected = bytes.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
		unmask(bytes, Buffer.from(mask).readInt32BE(0));
		expect(bytes).toEqual(expected);
	}
});
