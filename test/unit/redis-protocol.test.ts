import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { Deliveries } from "../../extensions/redis/deliveries.ts";
import { stateDigest } from "../../extensions/redis/digest.ts";
import { decodeFrame, FrameWriter, nodeIdentifier, speaksOurDialect } from "../../extensions/redis/frames.ts";
import { Heart, heartbeatMs, silenceMs } from "../../extensions/redis/heart.ts";
import {
	decodeNodeMessage,
	encodeNodeMessage,
	type NodeMessage,
} from "../../extensions/redis/node-messages.ts";
import { Unconfirmed } from "../../extensions/redis/unconfirmed.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { Typist } from "../support/typist.ts";

const identifier = nodeIdentifier("test");
const writer = new FrameWriter(identifier);
const bytes = fc.uint8Array({ maxLength: 50 });
const count = fc.nat();
const hash = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((array) => Buffer.from(array).toString("hex"));

describe("frames", () => {
	test("read back as they were written", () => {
		fc.assert(
			fc.property(
				fc.string(),
				bytes,
				count,
				count,
				count,
				hash,
				fc.boolean(),
				(name, payload, stay, sequence, durable, digest, asksBack) => {
					const position = { stay, sequence };
					const receipt = { ...position, durable };
					const read = (frame: Buffer) => decodeFrame(frame);
					const about = { sender: identifier, documentName: name };
					expect(read(writer.update(name, payload, receipt))).toEqual({
						...about,
						message: { type: "update", update: payload, receipt },
					});
					const step1 = { stateVector: payload, asksBack, digest, position };
					expect(read(writer.step1(name, step1))).toEqual({ ...about, message: { type: "step1", ...step1 } });
					expect(read(writer.step2(name, payload, position)).message).toEqual({
						type: "step2",
						update: payload,
						position,
					});
					expect(read(writer.same(name, position)).message).toEqual({ type: "same", position });
					expect(read(writer.stored(name, position)).message).toEqual({ type: "stored", position });
					expect(read(writer.awareness(name, payload)).message).toEqual({
						type: "awareness",
						update: payload,
						isComplete: false,
					});
					expect(read(writer.awareness(name, payload, true)).message).toMatchObject({ isComplete: true });
					expect(read(writer.stateless(name, name)).message).toEqual({ type: "stateless", payload: name });
				},
			),
		);
	});

	test("cut anywhere or changed at random, they throw or give something, and never hang", () => {
		fc.assert(
			fc.property(bytes, fc.nat(100), fc.nat(100), fc.nat(255), (payload, cut, at, value) => {
				const frame = Buffer.from(writer.update("page", payload, { stay: 1, sequence: 2, durable: 3 }));
				if (at < frame.length) frame[at] = value;
				for (const read of [decodeFrame, decodeNodeMessage]) {
					try {
						read(frame.subarray(0, cut));
					} catch (error) {
						expect(error).toBeInstanceOf(Error);
					}
				}
			}),
		);
	});

	test("a stock node's identifier is not taken for one of ours", () => {
		expect(speaksOurDialect(identifier)).toBe(true);
		expect(speaksOurDialect("host-2f1c9a52-0000-4000-8000-000000000000")).toBe(false);
		const { message } = decodeFrame(
			new FrameWriter("host-1").update("page", new Uint8Array([1]), { stay: 1, sequence: 1, durable: 0 }),
		);
		expect(message).toMatchObject({ type: "update", receipt: undefined });
	});

	test("messages about many documents read back as they were written", () => {
		const digests = fc.array(fc.record({ key: hash, digest: hash }));
		const receipts = fc.array(
			fc.record({ key: hash, stay: count, sequence: count, durable: count, isOpen: fc.boolean() }),
		);
		const message = fc.oneof(
			count.map((beat): NodeMessage => ({ type: "heartbeat", beat })),
			fc.constant<NodeMessage>({ type: "goodbye" }),
			digests.map((documents): NodeMessage => ({ type: "digests", documents })),
			receipts.map((documents): NodeMessage => ({ type: "receipts", documents })),
		);
		fc.assert(
			fc.property(message, (sent) => {
				expect(decodeNodeMessage(encodeNodeMessage(writer, sent))).toEqual({
					sender: identifier,
					message: sent,
				});
			}),
		);
	});
});

test("[CLU2] a digest is that of the edits, whatever the order in which they came, and any edit changes it", () => {
	const [anna, bert] = [new Typist(), new Typist()];
	const updates = [anna.type("abc"), bert.type("def"), anna.type("g"), anna.erase(1, 2), bert.erase(0, 1)];
	const digestOf = (these: readonly Uint8Array[]) => {
		const document = new Y.Doc();
		for (const update of these) Y.applyUpdate(document, update);
		return stateDigest(document);
	};
	const [a1, b1, a2, a3, b2] = updates as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
	const whole = digestOf(updates);
	expect(digestOf([b1, b2, a1, a2, a3])).toBe(whole);
	expect(digestOf([Y.mergeUpdates(updates)])).toBe(whole);
	for (const missing of [a2, a3, b2])
		expect(digestOf(updates.filter((update) => update !== missing))).not.toBe(whole);
});

test("[CLU2] numbers tell what is missing: in between, at the end, and in a new stay", () => {
	const deliveries = new Deliveries();
	expect(deliveries.arrived("a", { stay: 1, sequence: 1 })).toBe("next");
	expect(deliveries.arrived("a", { stay: 1, sequence: 2 })).toBe("next");
	expect(deliveries.arrived("a", { stay: 1, sequence: 2 })).toBe("known");
	expect(deliveries.arrived("a", { stay: 1, sequence: 4 })).toBe("gap");
	expect(deliveries.arrived("a", { stay: 1, sequence: 5 })).toBe("next");
	expect(deliveries.lacks("a", { stay: 1, sequence: 5 })).toBe(false);
	expect(deliveries.lacks("a", { stay: 1, sequence: 6 })).toBe(true);
	expect(deliveries.lacks("a", { stay: 0, sequence: 9 })).toBe(false);
	expect(deliveries.lacks("a", { stay: 2, sequence: 0 })).toBe(false);
	expect(deliveries.arrived("a", { stay: 2, sequence: 1 })).toBe("next");
	expect(deliveries.arrived("a", { stay: 1, sequence: 6 })).toBe("known");
	expect(deliveries.lacks("b", { stay: 1, sequence: 3 })).toBe(true);
	deliveries.settle("b", { stay: 1, sequence: 3 });
	expect(deliveries.arrived("b", { stay: 1, sequence: 4 })).toBe("next");
	deliveries.settle("b", { stay: 1, sequence: 2 });
	expect(deliveries.arrived("b", { stay: 1, sequence: 5 })).toBe("next");
	expect(deliveries.arrived("c", { stay: 7, sequence: 2 })).toBe("gap");
});

test("[DUR1] an update waits for the confirmation of its own sender and stay", () => {
	const unconfirmed = new Unconfirmed();
	const update = new Uint8Array([1, 2, 3]);
	for (const sequence of [1, 2, 3]) unconfirmed.hold("a", { stay: 2, sequence }, update, sequence);
	unconfirmed.hold("b", { stay: 2, sequence: 1 }, update, 4);
	expect(unconfirmed).toMatchObject({ bytes: 12, oldestMs: 1 });
	unconfirmed.confirm("a", { stay: 1, sequence: 9, durable: 9 });
	unconfirmed.confirm("a", { stay: 2, sequence: 3, durable: 2 });
	expect(unconfirmed).toMatchObject({ bytes: 6, oldestMs: 3 });
	expect(unconfirmed.holdsFrom("b")).toBe(true);
	expect(unconfirmed.take()).toEqual([update, update]);
	expect(unconfirmed.take()).toEqual([]);
	expect(unconfirmed).toMatchObject({ bytes: 0, oldestMs: Number.POSITIVE_INFINITY });
});

describe("the heart", () => {
	function make() {
		const clock = new ManualClock();
		const events: string[] = [];
		const sent: number[] = [];
		const heart = new Heart({
			clock,
			send: (beat) => sent.push(beat),
			onUp: () => events.push("up"),
			onAway: () => events.push("away"),
			onLoss: () => events.push("loss"),
			onStuck: () => events.push("stuck"),
		});
		return { clock, events, sent, heart };
	}

	test("[CLU3] beats with every interval, and is up when one comes back that was sent after listening began", async () => {
		const { clock, events, sent, heart } = make();
		heart.tick();
		heart.returned(1);
		expect(events).toEqual([]);
		heart.listening();
		expect(sent).toEqual([1, 2]);
		heart.returned(2);
		expect(events).toEqual(["up"]);
		await clock.pass(heartbeatMs);
		heart.tick();
		expect(sent).toEqual([1, 2, 3]);
		heart.away("gone");
		heart.away("still gone");
		expect(heart.status).toMatchObject({ status: "away", reason: "still gone" });
		heart.returned(3);
		expect(events).toEqual(["up", "away"]);
	});

	test("[CLU2] a heartbeat that did not come back shows a loss; none at all shows that Redis is stuck", async () => {
		const { clock, events, heart } = make();
		heart.listening();
		heart.returned(1);
		heart.returned(3);
		expect(events).toEqual(["up", "loss"]);
		await clock.pass(silenceMs);
		heart.tick();
		expect(events).toEqual(["up", "loss", "away", "stuck"]);
		heart.tick();
		expect(events).toHaveLength(4);
	});

	test("a process that stood still does not take Redis for away", async () => {
		const { clock, events, heart } = make();
		heart.listening();
		heart.returned(1);
		await clock.pass(10 * silenceMs);
		heart.excuse();
		heart.tick();
		expect(events).toEqual(["up"]);
	});
});
