import { createHash, type Hash } from "node:crypto";
import { expect, test } from "vitest";
import { clientStreamOf } from "../../server/transport/client-stream.ts";
import { DuplexStream } from "../../server/transport/duplex-stream.ts";
import { eventually } from "../support/eventually.ts";
import { Random, testSeed } from "../support/random.ts";
import { type MakeStream, upgradedPair } from "../support/upgraded-pair.ts";

const kinds: readonly MakeStream[] = [clientStreamOf, (socket, head) => new DuplexStream(socket, head)];
const rounds = 30;

/** What went in at one side, or came out at the other. */
class Bytes {
	length = 0;
	readonly #hash: Hash = createHash("sha1");

	add(bytes: Uint8Array): void {
		this.length += bytes.byteLength;
		this.#hash.update(bytes);
	}

	get sum(): string {
		return `${this.length} bytes, ${this.#hash.copy().digest("hex")}`;
	}
}

/** Does whatever can be done with a stream in any order, and looks at what becomes of it. */
async function tryOut(make: MakeStream, seed: number): Promise<void> {
	const random = new Random(seed);
	const below = (end: number): number => random.below(end);
	const written = new Bytes();
	const read = new Bytes();
	const sent = new Bytes();
	const received = new Bytes();
	const wrong = new Set<string>();
	const events: string[] = [];
	const head = below(3) === 0 ? "h".repeat(1 + below(60_000)) : "";
	sent.add(Buffer.from(head));
	const { stream, client } = await upgradedPair((socket, rest) => {
		const made = make(socket, rest);
		made.pause();
		return made;
	}, head);
	const mayBreak = below(4) === 0;
	/** Until all that is left is to end it. */
	let isBusy = true;
	let isPaused = true;
	let isEnding = false;
	let isCut = false;
	let isClientEnding = false;
	const piece = (most: number): Buffer => Buffer.alloc(1 + below(most), below(256));
	const write = (bytes: Buffer): void => {
		if (isEnding || isCut) return;
		written.add(bytes);
		stream.write(bytes);
	};
	const end = (): void => {
		isEnding = true;
		stream.end();
	};
	const setPaused = (paused: boolean): void => {
		isPaused = paused;
		if (paused) stream.pause();
		else stream.resume();
	};
	const steps = [
		() => write(piece(200)),
		() => write(piece(900_000)),
		() => {
			for (let n = below(30); n > 0; n -= 1) write(piece(3_000));
		},
		() => stream.cork(),
		() => stream.uncork(),
		() => stream.uncork(),
		() => setPaused(true),
		() => setPaused(false),
		() => setPaused(false),
		() => stream.needsDrain && stream.onceDrained(() => write(piece(10))),
		() => !isEnding && below(30) === 0 && end(),
		() => mayBreak && below(20) === 0 && cut(() => stream.destroy()),
	];
	const peerSteps = [
		() => send(piece(300)),
		() => send(piece(300_000)),
		() => client.resume(),
		() => client.resume(),
		() => client.pause(),
		() => below(30) === 0 && endClient(),
		() => mayBreak && below(30) === 0 && cut(() => client.resetAndDestroy()),
	];
	function cut(how: () => void): void {
		isCut = true;
		how();
	}
	function send(bytes: Buffer): void {
		if (isClientEnding || isCut) return;
		sent.add(bytes);
		client.write(bytes);
	}
	function endClient(): void {
		isClientEnding = true;
		client.end();
	}
	function step(of: readonly (() => unknown)[]): void {
		of[below(of.length)]?.();
		if (stream.waitingBytes < 0) wrong.add("less than nothing waits");
	}
	stream.handlers = {
		read(chunk) {
			if (isPaused) wrong.add("read while paused");
			if (events.length > 0) wrong.add(`read after ${events}`);
			read.add(chunk);
			if (isBusy && below(20) === 0) step(steps);
		},
		ended: () => events.push("ended"),
		gone: () => events.push("gone"),
	};
	client.on("data", (chunk: Buffer) => received.add(chunk));
	for (let n = 30 + below(80); n > 0; n -= 1) {
		step(steps);
		if (below(2) === 0) step(peerSteps);
		if (below(3) === 0) await new Promise((resolve) => setImmediate(resolve));
	}
	isBusy = false;
	for (let n = 0; n < 200; n += 1) stream.uncork();
	if (!isEnding) end();
	if (!isClientEnding) endClient();
	setPaused(false);
	client.resume();
	await eventually("it is gone", () => events.includes("gone") && client.closed);
	stream.destroy();
	expect([...wrong]).toEqual([]);
	if (isCut) {
		expect(events.filter((event) => event === "gone")).toEqual(["gone"]);
		return;
	}
	expect(events).toEqual(["ended", "gone"]);
	expect(received.sum).toBe(written.sum);
	expect(read.sum).toBe(sent.sum);
	expect(stream.waitingBytes).toBe(0);
}

test("[TRN2] whatever is done with a stream, and in which order: no byte is lost, and it is gone once", async () => {
	const first = testSeed("streams");
	for (let seed = first; seed < first + rounds; seed += 1) {
		for (const make of kinds) {
			try {
				await tryOut(make, seed);
			} catch (cause) {
				throw new Error(`INDELIBLE_SEED=${seed} fails, kind ${kinds.indexOf(make)}: ${cause}`, { cause });
			}
		}
	}
});
