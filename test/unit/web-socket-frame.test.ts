import { once } from "node:events";
import type { Writable } from "node:stream";
import { expect, test } from "vitest";
import * as ws from "ws";
import { addressField } from "../../extensions/sync/bodies.ts";
import { Bundle } from "../../extensions/sync/bundle.ts";
import { frameBytes } from "../../extensions/sync/web-socket-frame.ts";
import { Random, testSeed } from "../support/random.ts";

/** What a client's `ws` reads frames with; its types leave it out. */
const { Receiver } = ws as unknown as {
	Receiver: new (options: { readonly isServer: boolean }) => Writable;
};

/** What a client of `ws` makes of bytes that come in pieces. */
async function received(pieces: Iterable<Uint8Array>): Promise<{ data: Buffer; isBinary: boolean }[]> {
	const receiver = new Receiver({ isServer: false });
	const messages: { data: Buffer; isBinary: boolean }[] = [];
	receiver.on("message", (data: Buffer, isBinary: boolean) => messages.push({ data, isBinary }));
	for (const piece of pieces) receiver.write(piece);
	receiver.end();
	await once(receiver, "finish");
	return messages;
}

const address = addressField("doc");

/** A body with which its message has so many bytes. */
function bodyFor(messageBytes: number, random: Random): Uint8Array {
	return random.bytes(messageBytes - address.byteLength);
}

test.each([5, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 65_537, 200_000])(
	"a message of %i bytes is one binary frame to a client",
	async (bytes) => {
		const body = bodyFor(bytes, new Random(bytes));
		const bundle = new Bundle(address, [body]);
		const [message, ...others] = await received([bundle.framed]);
		expect(others).toEqual([]);
		expect(message?.isBinary).toBe(true);
		expect(message?.data.equals(Buffer.concat([address, body]))).toBe(true);
		expect(bundle.framed.byteLength).toBe(frameBytes(bytes));
		expect(bundle.messages.map((each) => Buffer.from(each))).toEqual([message?.data]);
	},
);

test("bundles of any messages, cut anywhere by the network, are those messages in their order", async () => {
	const random = new Random(testSeed("web-socket-frame"));
	for (let round = 0; round < 60; round += 1) {
		const bodies = Array.from({ length: 1 + random.below(8) }, () =>
			bodyFor(4 + random.below(random.pick([8, 140, 300, 70_000])), random),
		);
		const bundle = new Bundle(address, bodies);
		const pieces: Uint8Array[] = [];
		for (let at = 0; at < bundle.framed.byteLength; ) {
			const end = at + 1 + random.below(random.pick([3, 200, 100_000]));
			pieces.push(bundle.framed.subarray(at, end));
			at = end;
		}
		const messages = await received(pieces);
		expect(messages.length).toBe(bodies.length);
		for (const [index, { data }] of messages.entries())
			expect(data.equals(Buffer.concat([address, bodies[index] ?? new Uint8Array()]))).toBe(true);
	}
});
