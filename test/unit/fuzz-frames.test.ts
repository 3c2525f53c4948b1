import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { inspectIncoming as inspectForGate } from "../../extensions/durability/wire.ts";
import { readPresence, writePresence } from "../../extensions/sync/presence-entries.ts";
import { addressFieldOf, documentNameOf, inspectIncoming } from "../../server/transport/frames.ts";
import { mutate } from "../support/fuzz/mutate.ts";
import { Random, testSeed } from "../support/random.ts";
import {
	authenticationFrame,
	closeFrame,
	messageFrame,
	syncStep1Frame,
	syncStep2Frame,
	updateFrame,
} from "../support/wire-frames.ts";

const rounds = Number(process.env.INDELIBLE_FUZZ_ROUNDS ?? 20_000);
const nameBytesMax = 64;

function presenceUpdate(): Uint8Array {
	const awareness = new Awareness(new Y.Doc());
	awareness.setLocalState({ user: { name: "Ada" }, cursor: null });
	const update = encodeAwarenessUpdate(awareness, [awareness.clientID]);
	awareness.destroy();
	return update;
}

function realFrames(): Uint8Array[] {
	const document = new Y.Doc();
	document.getText("text").insert(0, "some text");
	const update = Y.encodeStateAsUpdate(document);
	return ["doc", "a\0session", "ü".repeat(20), "x".repeat(70)].flatMap((name) => [
		authenticationFrame(name, "token"),
		syncStep1Frame(name, document),
		syncStep2Frame(name, update),
		updateFrame(name, update),
		closeFrame(name),
		messageFrame(name, (encoder) => {
			encoding.writeVarUint(encoder, 1);
			encoding.writeVarUint8Array(encoder, presenceUpdate());
		}),
		messageFrame(name, (encoder) => {
			encoding.writeVarUint(encoder, 4);
			encoding.writeVarUint(encoder, 2);
			encoding.writeVarUint8Array(encoder, update);
		}),
		messageFrame(name, (encoder) => {
			encoding.writeVarUint(encoder, 5);
			encoding.writeVarString(encoder, "stateless");
		}),
	]);
}

/** A number in more bytes than it takes; whoever reads it gets the same one. */
function lengthened(frame: Uint8Array, at: number): Uint8Array {
	const byte = frame[at] ?? 0;
	if (byte > 127) return frame;
	return Uint8Array.of(
		...frame.subarray(0, at),
		byte | 128,
		...[128, 128].slice(byte % 2),
		0,
		...frame.subarray(at + 1),
	);
}

function attempt<T>(read: () => T): T | undefined {
	try {
		return read();
	} catch {
		return undefined;
	}
}

/** As Hocuspocus 4.7 reads a frame's head (`ClientConnection.handleMessage`, `MessageReceiver.apply`). */
function readHead(
	frame: Uint8Array,
): { readonly name: string; readonly type: number; readonly decoder: decoding.Decoder } | undefined {
	return attempt(() => {
		const decoder = decoding.createDecoder(frame);
		const address = decoding.readVarString(decoder);
		const type = decoding.readVarUint(decoder);
		return { name: address.split("\0")[0] ?? "", type, decoder };
	});
}

function frames(seedOf: string): Iterable<Uint8Array> {
	const random = new Random(testSeed(seedOf));
	const real = realFrames();
	return {
		*[Symbol.iterator]() {
			yield* real;
			for (let round = 0; round < rounds; round += 1) {
				const frame = random.pick(real);
				if (random.chance(0.3)) yield lengthened(frame, random.below(Math.min(frame.length, 12)));
				else if (random.chance(0.1)) yield random.bytes(random.below(40));
				else yield mutate(random, frame, real);
			}
		},
	};
}

const asText = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("[TRN5] what the transport lets through, Hocuspocus can read, and for the same document; what it does not, is wrong", () => {
	for (const frame of frames("frames")) {
		const found = inspectIncoming(frame, nameBytesMax).type;
		const head = readHead(frame);
		const said = asText(frame);
		if (found === "message") {
			expect(head, said).toBeDefined();
			expect(documentNameOf(frame), said).toBe(head?.name);
			expect(head?.type, said).toBeLessThanOrEqual(10);
			expect(Buffer.byteLength(head?.name ?? ""), said).toBeLessThanOrEqual(nameBytesMax);
		} else if (found !== "pong" && head !== undefined) {
			const isTooLong = Buffer.byteLength(head.name) > nameBytesMax || frame.length > nameBytesMax;
			expect(head.name === "" || head.type > 10 || isTooLong, `${found} ${said}`).toBe(true);
		}
	}
});

test("[TRN5] an address that is kept does not keep what came with it", () => {
	const [frame = new Uint8Array()] = realFrames();
	const address = addressFieldOf(Buffer.concat([frame, Buffer.alloc(60_000)]));
	expect(asText(address)).toBe(asText(frame.subarray(0, 4)));
	expect(address.buffer.byteLength).toBe(4);
});

test("[TRN5] [DUR1] no update and no presence reaches a document past what stands before it: all find the same in a frame as Hocuspocus does", () => {
	for (const frame of frames("frames of gates")) {
		const head = readHead(frame);
		if (head === undefined) continue;
		const { type, decoder } = head;
		const found = inspectForGate(frame);
		const said = asText(frame);
		if (type === 0 || type === 4) {
			const kind = attempt(() => decoding.readVarUint(decoder));
			const payload = attempt(() => decoding.readVarUint8Array(decoder));
			if (kind === undefined || kind > 2 || payload === undefined) continue;
			expect(found, said).toEqual({ type: (["step1", "step2", "update"] as const)[kind], payload });
		} else if (type === 1) {
			const payload = attempt(() => decoding.readVarUint8Array(decoder));
			if (payload !== undefined) expect(found, said).toEqual({ type: "presence", payload });
		} else if (type === 7) expect(found.type, said).toBe("close");
		else expect(found.type, said).toBe("other");
	}
});

test("[TRN5] [ACC4] presence is read as y-protocols reads it, or not at all", () => {
	const random = new Random(testSeed("presence"));
	const states = [
		"null",
		"{}",
		'{"user":{"name":"Ada"}}',
		'{"__proto__":{"x":1}}',
		'"text"',
		"5",
		"[]",
		"tru",
		'{"a":1,"a":2}',
		'"\\ud800"',
	];
	for (let round = 0; round < rounds / 4; round += 1) {
		const count = random.below(4);
		const made = encoding.encode((encoder) => {
			encoding.writeVarUint(encoder, random.chance(0.9) ? count : random.below(2 ** 31));
			for (let entry = 0; entry < count; entry += 1) {
				encoding.writeVarUint(encoder, random.pick([1, 2, 3, 2 ** 31, 2 ** 53 - 1]));
				encoding.writeVarUint(encoder, random.pick([0, 1, 5, 2 ** 53 - 1]));
				encoding.writeVarString(encoder, random.pick(states));
			}
		});
		const update = random.chance(0.5) ? made : mutate(random, made, [made]);
		const entries = attempt(() => readPresence(update));
		const awareness = new Awareness(new Y.Doc());
		awareness.setLocalState(null);
		const applied = attempt(() => {
			applyAwarenessUpdate(awareness, update, "test");
			return true;
		});
		expect(entries === undefined, asText(update)).toBe(applied === undefined);
		if (entries !== undefined) {
			const again = readPresence(writePresence(entries.map(({ bytes }) => bytes)));
			expect(again.map(({ clientId, clock }) => [clientId, clock])).toEqual(
				entries.map(({ clientId, clock }) => [clientId, clock]),
			);
			for (const clientId of awareness.getStates().keys())
				expect(entries.some((entry) => entry.clientId === clientId && entry.isPresent)).toBe(true);
		}
		awareness.destroy();
	}
	expect(({} as Record<string, unknown>).x).toBeUndefined();
});
