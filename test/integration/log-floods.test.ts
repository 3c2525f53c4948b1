import * as encoding from "lib0/encoding";
import { expect, onTestFinished, test } from "vitest";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { deepCases } from "../support/fuzz/hostile-updates.ts";
import { startNodeProcess } from "../support/node-process.ts";
import { openRawSocket } from "../support/raw-socket.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import {
	authenticationFrame,
	messageFrame,
	presenceFrame,
	syncStep1Frame,
	updateFrame,
} from "../support/wire-frames.ts";

const name = "secret-plans";
const frame = (...numbers: readonly number[]) =>
	messageFrame(name, (encoder) => {
		for (const number of numbers) encoding.writeVarUint(encoder, number);
	});

/** One client's. */
const presenceOf = (state: string) =>
	encoding.encode((encoder) => {
		for (const number of [1, 77, 1]) encoding.writeVarUint(encoder, number);
		encoding.writeVarString(encoder, state);
	});

const deepUpdates = deepCases(3_000)[0]?.updates ?? [];

/** What Hocuspocus, or we, complain about, each in its own way; most cost their sender the connection. */
const complaints: readonly (readonly [string, readonly Uint8Array[]])[] = [
	["authentication of a kind that there is not", new Array(100).fill(frame(2, 1, 0))],
	["a sync message of no kind", [frame(0, 9)]],
	["presence that can't be read", [presenceFrame(name, Uint8Array.of(200, 200, 255))]],
	["presence that is no JSON", [presenceFrame(name, presenceOf('{"user": Ada Lovelace}'))]],
	["types that are nested too deep", deepUpdates.map((update) => updateFrame(name, update))],
	["a message of no kind", [frame(9)]],
	["a stateless message that ends too early", [frame(5)]],
];

test("[TRN5] what clients send makes no line that somebody should look at, and no line that names a document", async () => {
	const node = await startNodeProcess({ data: temporaryFolder(), flags: ["--log-format", "json"] });
	onTestFinished(async () => {
		await node.stop("SIGKILL");
	});
	for (const [what, frames] of complaints) {
		const { ws, received } = await openRawSocket(node.url);
		ws.send(authenticationFrame(name));
		ws.send(syncStep1Frame(name));
		await eventually("it to be let in", () => received.length > 1);
		for (const sent of frames) ws.send(sent);
		// Answered only after what came before.
		ws.send(syncStep1Frame(name));
		const before = received.length;
		await eventually(
			`an answer after ${what}, or the end`,
			() => received.length > before || ws.readyState === ws.CLOSED,
		);
		ws.close();
	}
	const { ws: unreadable } = await openRawSocket(node.url);
	unreadable.send(
		messageFrame(name, (encoder) => encoding.writeUint8Array(encoder, Uint8Array.of(2, 0, 200))),
	);
	await eventually("its end", () => unreadable.readyState === unreadable.CLOSED);
	const guest = openClient({ url: node.url, name });
	onTestFinished(() => guest.destroy());
	await guest.synced();
	expect(await node.stop()).toBe(0);
	const lines = node
		.output()
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line) as { readonly level: number; readonly msg: string });
	expect(lines.filter(({ level }) => level > 30)).toEqual([]);
	expect(node.output()).not.toContain(name);
	expect(node.output()).not.toContain("Ada");
	expect(lines.length).toBeLessThan(30);
});
