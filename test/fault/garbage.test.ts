import { once } from "node:events";
import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNode, startLocalNode } from "../support/local-node.ts";
import { Random, testSeed } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { authenticationFrame, syncStep1Frame, updateFrame } from "../support/wire-frames.ts";

const attempts = Number(process.env.INDELIBLE_GARBAGE ?? 400);
const name = "victim";

/** What a real provider sends while a person writes, moves the caret and leaves. */
async function recordFrames({ url }: LocalNode): Promise<Uint8Array[]> {
	const frames: Uint8Array[] = [];
	class Recorder extends WebSocket {
		override send(data: Uint8Array): void {
			frames.push(Uint8Array.from(data));
			super.send(data);
		}
	}
	const socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: Recorder });
	const provider = new HocuspocusProvider({ websocketProvider: socket, name });
	provider.attach();
	await eventually("the recorded provider to be synced", () => provider.isSynced);
	const text = provider.document.getText("text");
	text.insert(0, "hello");
	text.format(0, 5, { bold: true });
	provider.document.getXmlFragment("default").insert(0, [new Y.XmlElement("paragraph")]);
	provider.document.getMap("map").set("key", { nested: [1, "two", null] });
	text.delete(1, 2);
	provider.setAwarenessField("user", { name: "Ada" });
	provider.sendStateless("hello");
	await eventually("the recorded provider to be saved", () => provider.unsyncedChanges === 0);
	provider.destroy();
	await eventually("its last frame", () => frames.length > 9);
	socket.destroy();
	return frames;
}

function randomBytes(random: Random, length: number): Uint8Array {
	return Uint8Array.from({ length }, () => random.below(256));
}

function mutate(random: Random, frame: Uint8Array): Uint8Array {
	const mutated = Uint8Array.from(frame);
	for (let changes = 1 + random.below(4); changes > 0; changes -= 1) {
		const at = random.below(mutated.length);
		mutated[at] = random.chance(0.5) ? random.below(256) : (mutated[at] ?? 0) ^ (1 << random.below(8));
	}
	return mutated;
}

/** A frame of the document with any type and content. */
function addressed(random: Random, documentName: string): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, documentName);
		encoding.writeVarUint(encoder, random.chance(0.8) ? random.below(12) : random.below(2 ** 31));
		for (let fields = random.below(4); fields > 0; fields -= 1) {
			const length = random.below(40);
			if (random.chance(0.3)) encoding.writeVarUint(encoder, random.below(2 ** 31));
			else if (random.chance(0.5)) encoding.writeVarUint8Array(encoder, randomBytes(random, length));
			// A length that promises more than there is.
			else encoding.writeVarUint(encoder, 2 ** 31 + length);
		}
	});
}

type Kind = "noise" | "truncated" | "mutated" | "addressed" | "update" | "wrong name";

function garbage(random: Random, kind: Kind, real: readonly Uint8Array[]): Uint8Array {
	const frame = random.pick(real);
	switch (kind) {
		case "noise":
			return randomBytes(random, random.below(300));
		case "truncated":
			return frame.slice(0, random.below(frame.length));
		case "mutated":
			return mutate(random, frame);
		case "addressed":
			return addressed(random, name);
		case "update":
			return updateFrame(name, randomBytes(random, 3 + random.below(60)));
		case "wrong name":
			return authenticationFrame(String.fromCodePoint(random.below(0xd7ff)).repeat(random.below(2_000)));
	}
}

const kinds: readonly Kind[] = ["noise", "truncated", "mutated", "addressed", "update", "wrong name"];

/** Opens a socket, as a member of the document or a stranger, sends garbage, and waits until the server has had its say. */
async function attack(random: Random, url: string, real: readonly Uint8Array[]): Promise<void> {
	const ws = new WebSocket(url);
	await once(ws, "open");
	const closed = once(ws, "close");
	if (random.chance(0.8)) {
		ws.send(authenticationFrame(name));
		ws.send(syncStep1Frame(name));
	}
	for (let frames = 1 + random.below(5); frames > 0; frames -= 1) {
		ws.send(garbage(random, random.pick(kinds), real));
	}
	// `ws` answers pings in the order of frames, so a pong means that all of them were read.
	const answered = once(ws, "pong");
	ws.ping();
	await Promise.race([answered, closed]);
	ws.close();
	await closed;
}

async function talk(victims: readonly Client[], word: string): Promise<void> {
	for (const victim of victims) {
		victim.type(word);
		for (const other of victims) {
			await eventually(`${word} to arrive`, () => other.text.toString() === victim.text.toString());
		}
	}
}

test(`[TRN5] [CON1] ${attempts} peers that send garbage cost nobody else anything`, async () => {
	const seed = testSeed("garbage");
	const random = new Random(seed);
	const data = temporaryFolder();
	const local = await startLocalNode({ data });
	const { node, url } = local;
	const real = await recordFrames(local);
	const victims = [await local.client(name).synced(), await local.client(name).synced()];
	for (let attempt = 0; attempt < attempts; attempt += 1) {
		await attack(random, url, real);
		if (attempt % 25 === 0) await talk(victims, `${attempt} `);
	}
	await talk(victims, "end");
	for (const victim of victims) {
		await victim.saved();
		expect(victim.closes).toEqual([]);
		expect(victim.denials).toEqual([]);
	}
	expect(victims[0]?.text.toString()).toContain("end");
	await eventually("the attackers to be gone", () => node.connections === victims.length);
	const [first, second] = victims.map(({ document }) => Y.encodeStateAsUpdate(document));
	expect(first).toEqual(second);
	await local.close();
	const restarted = await startLocalNode({ data });
	const late = await restarted.client(name).synced();
	expect(late.text.toString()).toBe(victims[0]?.text.toString());
	expect(Y.encodeStateVector(late.document)).toEqual(Y.encodeStateVector(victims[0]?.document as Y.Doc));
});

test.for([
	["random bytes", Uint8Array.of(1, 2, 3, 4, 5)],
	["more structs than there is memory for", Uint8Array.of(1, 255, 255, 255, 255, 15, 1, 0)],
] as const)(
	"[DUR1] [TRN5] an update of %s is not acknowledged, and costs its sender the connection",
	async ([, update]) => {
		const { url, client } = await startLocalNode();
		const witness = await client(name).synced();
		const ws = new WebSocket(url);
		const statuses: Uint8Array[] = [];
		ws.on("message", (frame: Buffer) => {
			if (frame[1 + name.length] === 8) statuses.push(frame);
		});
		await once(ws, "open");
		ws.send(authenticationFrame(name));
		ws.send(syncStep1Frame(name));
		ws.send(updateFrame(name, update));
		const [code, reason] = await once(ws, "close");
		expect({ code, reason: String(reason) }).toEqual({ code: 4400, reason: "malformed-message" });
		expect(statuses).toEqual([]);
		await (await witness.type("unharmed")).saved();
		expect(witness.closes).toEqual([]);
	},
);
