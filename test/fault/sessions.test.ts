import { expect, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { Random, testSeed } from "../support/random.ts";
import { openRawSocket, type RawSocket } from "../support/raw-socket.ts";
import {
	authenticationFrame,
	closeFrame,
	syncStep1Frame,
	syncStep2Frame,
	updateFrame,
} from "../support/wire-frames.ts";

const rounds = Number(process.env.INDELIBLE_SESSIONS ?? 40);
const names = ["one", "two", "three"];
const addresses = names.flatMap((name) => [name, `${name}\0a`, `${name}\0b`]);

/** Some turns of the event loop, or none. */
async function turns(count: number): Promise<void> {
	for (let left = count; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}

function anyFrame(random: Random, edit: () => Uint8Array): Uint8Array {
	const address = random.pick(addresses);
	switch (random.below(7)) {
		case 0:
		case 1:
			return authenticationFrame(address, random.chance(0.2) ? "wrong" : "right");
		case 2:
			return syncStep1Frame(address);
		case 3:
			return syncStep2Frame(address, edit());
		case 4:
			return closeFrame(address);
		default:
			return updateFrame(address, edit());
	}
}

/** Sends anything in any order, for several documents, and goes at any time. */
async function behave(random: Random, { ws }: RawSocket): Promise<void> {
	const author = new Y.Doc();
	const edit = () => {
		const before = Y.encodeStateVector(author);
		author.getText("text").insert(0, "x");
		return Y.encodeStateAsUpdate(author, before);
	};
	for (let frames = 1 + random.below(60); frames > 0 && ws.readyState === WebSocket.OPEN; frames -= 1) {
		ws.send(anyFrame(random, edit));
		if (random.chance(0.3)) await turns(1 + random.below(6));
	}
	if (random.chance(0.5)) ws.close();
	else ws.terminate();
}

test(`[DUR6] [TRN5] ${rounds} times, some sockets on which anything comes for several documents, in any order, while hooks take their time and fail: nothing of them stays, and others go on`, async () => {
	const random = new Random(testSeed("sessions"));
	const there = new Map<string, number>();
	const dawdle = async (mayFail: boolean) => {
		await turns(random.chance(0.5) ? random.below(8) : 0);
		if (mayFail && random.chance(0.1)) throw new Error("of a hook");
	};
	const local = await startLocalNode({
		lingerMs: 0,
		onConnect: () => dawdle(true),
		async onAuthenticate({ token }) {
			await dawdle(true);
			if (token === "wrong") throw Object.assign(new Error("refused"), { reason: "refused" });
		},
		async onLoadDocument({ documentName }) {
			await dawdle(documentName !== "honest");
		},
		async connected({ documentName, socketId }) {
			there.set(`${socketId} ${documentName}`, (there.get(`${socketId} ${documentName}`) ?? 0) + 1);
			await dawdle(false);
		},
		async onDisconnect() {
			await dawdle(true);
		},
	});
	const { node, url } = local;
	for (let round = 0; round < rounds; round += 1) {
		const sockets = await Promise.all(Array.from({ length: 1 + random.below(4) }, () => openRawSocket(url)));
		await Promise.all(sockets.map((socket) => behave(random, socket)));
	}
	await eventually("all of them to be gone", () => node.connections === 0);
	const { documents, loadingDocuments } = node.hocuspocus;
	await eventually("their documents to leave", () => documents.size + loadingDocuments.size === 0);
	expect(there.size).toBeGreaterThan(rounds / 4);
	expect(node.durability.stats().backlogUpdates).toBe(0);
	await eventually("somebody to be let in", async () => {
		const client = local.client("honest", { token: "right" });
		try {
			await client.type("goes on").saved(2_000);
			return true;
		} finally {
			client.destroy();
		}
	});
});
