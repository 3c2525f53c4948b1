import type { Connection, Document } from "@hocuspocus/server";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import type { PacedSocket } from "../../extensions/sync/index.ts";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNode, type LocalNodeOptions, startLocalNode } from "../support/local-node.ts";

const backlogBytesMax = 256 * 1024;
/** What is written at a time. */
const pageBytes = 64 * 1024;
/** More than the system takes for a socket that nobody reads from. */
const writtenBytes = 16 * 1024 * 1024;

/** However slow this machine is: neither side takes the other for gone. */
const neverMs = 600_000;

/** A person whose machine can stop reading. */
interface Reader {
	readonly client: Client;
	pause(): void;
	resume(): void;
}

async function openReader(local: LocalNode): Promise<Reader> {
	const sockets: WebSocket[] = [];
	class PausableSocket extends WebSocket {
		constructor(url: string) {
			super(url);
			sockets.push(this);
		}
	}
	const client = local.client("doc", { silenceMsMax: neverMs, webSocketClass: PausableSocket });
	await client.saved();
	const last = () => sockets.at(-1) as WebSocket;
	return { client, pause: () => last().pause(), resume: () => last().resume() };
}

async function start(options: LocalNodeOptions = {}) {
	const local = await startLocalNode({
		readerBacklogBytesMax: backlogBytesMax,
		flushIntervalMs: 5,
		pingIntervalMs: neverMs,
		...options,
	});
	const author = await local.client("doc").synced();
	const document = local.node.hocuspocus.documents.get("doc") as Document;
	const buffered = () =>
		document.getConnections().map(({ webSocket }) => (webSocket as PacedSocket).bufferedBytes);
	return { local, author, buffered };
}

/** Writes pages and takes them out again, so that much is sent and the document stays small. @returns The most that waited for one client. */
async function writeMuch(author: Client, buffered: () => number[]): Promise<number> {
	let most = 0;
	for (let written = 0; written < writtenBytes; written += pageBytes) {
		author.text.insert(0, "x".repeat(pageBytes));
		await author.saved();
		author.text.delete(0, pageBytes);
		author.provider.setAwarenessField("page", written);
		await author.saved();
		most = Math.max(most, ...buffered());
	}
	return most;
}

test("[TRN2] a reader that stops costs bounded memory, nobody else anything, and is in step when it reads again", async () => {
	const { local, author, buffered } = await start();
	const slow = await openReader(local);
	const quick = await local.client("doc").synced();
	slow.pause();
	// It still writes, and is acknowledged when it reads again.
	slow.client.document.getMap("notes").set("slow", "still here");
	const most = await writeMuch(author, buffered);
	author.type("the end");
	await eventually("the quick one to have it", () => quick.text.toString().endsWith("the end"));
	expect(most).toBeGreaterThan(backlogBytesMax);
	// What was waiting, and one flush.
	expect(most).toBeLessThan(backlogBytesMax + 4 * pageBytes);
	expect(slow.client.provider.unsyncedChanges).toBe(1);
	slow.resume();
	await slow.client.saved();
	await eventually("it to be in step", () => slow.client.text.toString() === author.text.toString());
	expect(author.document.getMap("notes").get("slow")).toBe("still here");
	const authorId = author.document.clientID;
	await eventually("the author's last presence", () =>
		[...(slow.client.provider.awareness?.getStates() ?? [])].some(
			([clientId, { page }]) => clientId === authorId && page === writtenBytes - pageBytes,
		),
	);
	expect([slow.client, quick, author].flatMap(({ closes }) => closes)).toEqual([]);
	expect(local.node.hocuspocus.getConnectionsCount()).toBe(3);
});

test("[TRN2] many slow readers cost that much each, and catch up together", async () => {
	const { local, author, buffered } = await start();
	const readers: Reader[] = [];
	for (let index = 0; index < 8; index += 1) readers.push(await openReader(local));
	for (const { pause } of readers) pause();
	await writeMuch(author, buffered);
	author.type("the end");
	await author.saved();
	expect(Math.max(...buffered())).toBeLessThan(backlogBytesMax + 4 * pageBytes);
	for (const { resume } of readers) resume();
	await eventually("all to be in step", () =>
		readers.every(({ client }) => client.text.toString() === author.text.toString()),
	);
});

test("[TRN2] [CON1] a reader that stops again and again, while others write, misses nothing", async () => {
	const { local, author } = await start();
	const slow = await openReader(local);
	for (let round = 0; round < 12; round += 1) {
		slow.pause();
		for (let page = 0; page < 30; page += 1) {
			author.text.insert(0, String.fromCharCode(97 + round).repeat(pageBytes));
			await author.saved();
			author.text.delete(1, pageBytes - 1);
		}
		slow.client.type(`${round}`);
		await author.saved();
		slow.resume();
		await new Promise((resolve) => setImmediate(resolve));
	}
	await slow.client.saved();
	await eventually("both to be in step", () => slow.client.text.toString() === author.text.toString());
	expect(author.text.length).toBe(12 * 30 + "01234567891011".length);
	expect(slow.client.closes).toEqual([]);
});

test("[TRN2] a client that reads nothing of what can't be left out is cut off in the end, and comes back", async () => {
	const { local, author, buffered } = await start();
	const slow = await openReader(local);
	slow.pause();
	const document = local.node.hocuspocus.documents.get("doc") as Document;
	const isSlow = (connection: Connection) => connection !== document.getConnections()[0];
	let most = 0;
	for (let sent = 0; sent < 100 && local.node.connections === 2; sent += 1) {
		document.broadcastStateless("x".repeat(1024 * 1024), isSlow);
		most = Math.max(most, ...buffered());
		await new Promise((resolve) => setImmediate(resolve));
	}
	expect(most).toBeLessThan(40 * 1024 * 1024);
	slow.resume();
	await eventually("it to come back", () => slow.client.closes.length === 1 && local.node.connections === 2);
	author.type("the end");
	await eventually("it to be in step", () => slow.client.text.toString() === author.text.toString());
	expect(author.closes).toEqual([]);
});

test("[TRN1] [TRN2] a reader that never reads again is dropped, however much is sent to it", async () => {
	const { local, author, buffered } = await start({ pingIntervalMs: 1_000 });
	const slow = await openReader(local);
	slow.pause();
	await writeMuch(author, buffered);
	await eventually("it to be dropped", () => local.node.connections === 1);
	slow.resume();
	await eventually("it to come back", () => local.node.connections === 2);
	author.type("the end");
	await eventually("it to be in step", () => slow.client.text.toString() === author.text.toString());
});
