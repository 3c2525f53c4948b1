import { once } from "node:events";
import { isDeepStrictEqual } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { type Client, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { recordConversation } from "../support/fuzz/conversation.ts";
import { mutate } from "../support/fuzz/mutate.ts";
import { randomUpdate } from "../support/fuzz/random-update.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { Random, testSeed } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { authenticationFrame, syncStep1Frame, syncStep2Frame, updateFrame } from "../support/wire-frames.ts";

/** Attackers, one after the other, a few at a time. */
const rounds = Number(process.env.INDELIBLE_FUZZ_ROUNDS ?? 300);
const attacked = "attacked";
const elsewhere = "elsewhere";

/** With which a node may close a socket, beyond what is said of a single frame (server/transport/close-codes.ts). */
const codes = new Set([1000, 1003, 1005, 1009, 4205, 4400, 4404, 4408]);

async function start(data: string): Promise<NodeProcess> {
	const node = await startNodeProcess({ data, flags: ["--log-level", "warn"] });
	onTestFinished(() => void node.child.kill("SIGKILL"));
	return node;
}

function open({ url }: NodeProcess, name: string): Client {
	const client = openClient({ url, name });
	onTestFinished(() => client.destroy());
	return client;
}

/** Sends what nobody should. @returns With what it was closed, if it was. */
async function attack(random: Random, url: string, real: readonly Uint8Array[], people: readonly Client[]) {
	const ws = new WebSocket(url);
	await once(ws, "open");
	const closed = once(ws, "close").then(([code]) => code as number);
	if (random.chance(0.9)) {
		ws.send(authenticationFrame(attacked));
		ws.send(syncStep1Frame(attacked));
	}
	for (const frame of frames(random, real, people)) ws.send(frame);
	const answered = once(ws, "pong").then(() => undefined);
	ws.ping();
	const code = await Promise.race([answered, closed]);
	ws.close();
	await closed;
	return code;
}

function frames(random: Random, real: readonly Uint8Array[], people: readonly Client[]): Uint8Array[] {
	const known = Y.decodeStateVector(Y.encodeStateVector((people[0] as Client).document));
	const spared = new Set(people.map(({ document }) => document.clientID));
	switch (random.below(4)) {
		case 0: {
			// A whole conversation, reordered, repeated, with parts missing.
			const shuffled = real.filter(() => random.chance(0.8));
			for (let swaps = random.below(5); swaps > 0; swaps -= 1) {
				const [from, to] = [random.below(shuffled.length), random.below(shuffled.length)];
				[shuffled[from], shuffled[to]] = [shuffled[to] as Uint8Array, shuffled[from] as Uint8Array];
			}
			return random.chance(0.5)
				? shuffled
				: shuffled.map((frame) => (random.chance(0.1) ? mutate(random, frame, real) : frame));
		}
		case 1:
			return Array.from({ length: 1 + random.below(5) }, () => mutate(random, random.pick(real), real));
		default:
			return Array.from({ length: 1 + random.below(6) }, () => {
				const update = randomUpdate(random, known, spared);
				return random.chance(0.8) ? updateFrame(attacked, update) : syncStep2Frame(attacked, update);
			});
	}
}

/** Everybody writes, and everybody has what everybody has written. */
async function talk(people: readonly Client[], word: string): Promise<void> {
	for (const person of people) {
		const words = person.document.getArray("words");
		// Next to whatever is there by now.
		words.insert(words.length >> 1, [`word ${word}`]);
	}
	for (const person of people) await person.saved();
	const [first, ...others] = people;
	for (const other of others)
		await eventually(`${word} to have arrived`, () => isSame(other.document, (first as Client).document));
}

/** What honest people wrote; attackers put things between it. */
function wordsIn(document: Y.Doc): unknown[] {
	return document
		.getArray("words")
		.toArray()
		.filter((word) => typeof word === "string" && word.startsWith("word "))
		.sort();
}

function isSame(one: Y.Doc, other: Y.Doc): boolean {
	return (
		Buffer.from(Y.encodeStateVector(one)).equals(Y.encodeStateVector(other)) &&
		isDeepStrictEqual(wordsIn(one), wordsIn(other))
	);
}

test(`[TRN5] [CON1] [DUR1] ${rounds} attackers who send what looks like edits cost a node, and those who write in the same document, nothing`, async () => {
	const random = new Random(testSeed("hostile node"));
	const data = temporaryFolder();
	const node = await start(data);
	const real = await recordConversation(node.url, attacked);
	const people = [open(node, attacked), open(node, attacked)];
	const others = [open(node, elsewhere), open(node, elsewhere)];
	for (const person of [...people, ...others]) await person.synced();
	let written = 0;
	const met = new Map<number | undefined, number>();
	for (let round = 0; round < rounds; round += 1) {
		const code = await attack(random, node.url, real, people);
		met.set(code, (met.get(code) ?? 0) + 1);
		if (round % 10 === 0) {
			await talk(people, `${round} `);
			written += people.length;
			await talk(others, `${round} `);
		}
	}
	for (const code of met.keys()) if (code !== undefined) expect(codes).toContain(code);
	expect(met.get(4400)).toBeGreaterThan(rounds / 20);
	await talk(people, "end ");
	written += people.length;
	await talk(others, "end ");
	for (const { closes, denials } of [...people, ...others]) expect([...closes, ...denials]).toEqual([]);
	expect(node.child.exitCode).toBeNull();
	await open(node, attacked).synced();
	await node.stop("SIGKILL");
	const again = await start(data);
	const late = await open(again, attacked).synced();
	expect(wordsIn(late.document)).toEqual(wordsIn((people[0] as Client).document));
	expect(wordsIn(late.document)).toHaveLength(written);
	expect(await again.stop()).toBe(0);
}, 3_600_000);
