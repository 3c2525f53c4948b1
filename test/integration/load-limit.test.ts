import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { HocuspocusProvider } from "@hocuspocus/provider";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import type { Readiness } from "../../server/index.ts";
import { type Client, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// Limits are entered and left after seconds, and a machine may be busy.
vi.setConfig({ testTimeout: 120_000 });

/** What people can ask the node to do to itself, with a stateless message. */
const config = `
import { getHeapSpaceStatistics } from "node:v8";
const MiB = 2 ** 20;
let timer;
let held = [];
const wishes = {
	block() {
		timer ??= setInterval(() => {
			const untilMs = performance.now() + 400;
			while (performance.now() < untilMs);
		}, 500);
	},
	pause() {
		const untilMs = performance.now() + 1_500;
		while (performance.now() < untilMs);
	},
	fillMemory() {
		// Free pages of the heap don't count for the limit.
		while (process.memoryUsage.rss() < 520 * MiB) held.push(new Uint8Array(8 * MiB).fill(1));
	},
	fillHeap() {
		const oldSpace = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space");
		while (oldSpace().space_used_size < 236 * MiB) held.push(Array.from({ length: 1_000 }, (_, index) => ({ index })));
	},
	end() {
		clearInterval(timer);
		timer = undefined;
		// Gives the memory back now, and not when somebody collects garbage.
		for (const { buffer } of held) buffer?.transfer(0);
		held = [];
	},
};
export default { onStateless: async ({ payload }) => wishes[payload]() };
`;

interface ObservedNode extends NodeProcess {
	client(name: string): Client;
	readiness(): Promise<Readiness & { readonly status: number }>;
	/** Lines of the log that tell of load. */
	told(): { readonly level: number; readonly measure: string; readonly refusedSockets?: number }[];
}

async function start(
	flags: readonly string[],
	environment: Readonly<Record<string, string>> = {},
): Promise<ObservedNode> {
	const folder = temporaryFolder();
	const file = join(folder, "indelible.config.mjs");
	writeFileSync(file, config);
	const node = await startNodeProcess({
		data: join(folder, "data"),
		flags: ["--config", file, ...flags],
		environment,
	});
	onTestFinished(() => void node.child.kill("SIGKILL"));
	return {
		...node,
		client(name) {
			const client = openClient({ url: node.url, name });
			onTestFinished(() => client.destroy());
			return client;
		},
		async readiness() {
			const answer = await fetch(`http://127.0.0.1:${node.port}/readyz`);
			return { status: answer.status, ...((await answer.json()) as Readiness) };
		},
		told: () =>
			node
				.output()
				.split("\n")
				.filter((line) => line.includes('"measure":'))
				.map((line) => JSON.parse(line)),
	};
}

/** Asks for a WebSocket. @returns How it was refused, or `undefined` when it was opened. */
async function refusal(
	url: string,
): Promise<{ status: number; retryAfter: number; body: string } | undefined> {
	const ws = new WebSocket(url);
	onTestFinished(() => ws.terminate());
	const refused = new Promise<IncomingMessage>((resolve) =>
		ws.once("unexpected-response", (_, response) => resolve(response)),
	);
	const response = await Promise.race([refused, once(ws, "open").then(() => undefined)]);
	ws.on("error", () => {});
	if (response === undefined) {
		ws.close();
		await once(ws, "close");
		return undefined;
	}
	const body = await text(response);
	return { status: response.statusCode ?? 0, retryAfter: Number(response.headers["retry-after"]), body };
}

/** A second document on the socket of somebody who is served. */
async function openAnother(client: Client, name: string): Promise<HocuspocusProvider> {
	const document = new Y.Doc();
	const provider = new HocuspocusProvider({ websocketProvider: client.socket, name, document });
	onTestFinished(() => provider.destroy());
	provider.attach();
	document.getText("text").insert(0, "also served");
	await eventually(`${name} to be saved`, () => provider.isSynced && provider.unsyncedChanges === 0);
	return provider;
}

interface Overload {
	readonly node: ObservedNode;
	readonly wish: string;
	readonly measure: string;
	readonly words: RegExp;
}

/** Overloads the node for real, and lets it off again: who is served goes on, who comes is refused, then let in. */
async function prove({ node, wish, measure, words }: Overload): Promise<void> {
	const ann = await (await node.client("doc").synced()).type("before, ").saved();
	const ben = await node.client("doc").synced();
	expect(await node.readiness()).toMatchObject({ status: 200, ready: true });

	ann.provider.sendStateless(wish);
	const { reasons } = await eventually("the node to send people elsewhere", async () => {
		const state = await node.readiness();
		return state.status === 503 ? state : undefined;
	});
	expect(reasons).toEqual([expect.stringMatching(words)]);
	for (let newcomer = 0; newcomer < 3; newcomer += 1) {
		const refused = await refusal(node.url);
		expect(refused).toMatchObject({ status: 503, body: expect.stringMatching(words) });
		expect(refused?.retryAfter).toBeGreaterThanOrEqual(5);
		expect(refused?.retryAfter).toBeLessThanOrEqual(15);
	}
	await ann.type("under load, ").saved();
	await eventually("the edit to reach the other", () => ben.text.toString().endsWith("under load, "));
	await openAnother(ben, "another");
	const newcomer = node.client("doc");

	ann.provider.sendStateless("end");
	await eventually("the newcomer to be let in", () => newcomer.provider.isSynced, 40_000);
	await newcomer.type("after").saved();
	await eventually("the edit to reach the others", () =>
		[ann, ben].every((person) => person.text.toString() === "before, under load, after"),
	);
	expect(await node.readiness()).toMatchObject({ status: 200, ready: true, reasons: [] });
	expect([...ann.closes, ...ben.closes]).toEqual([]);
	await eventually("the log to tell of the end", () => node.told().length > 1);
	expect(node.told()).toEqual([
		expect.objectContaining({ level: 40, measure }),
		expect.objectContaining({ level: 30, measure, refusedSockets: expect.any(Number) }),
	]);
	expect(node.told()[1]?.refusedSockets).toBeGreaterThanOrEqual(3);
	expect(await node.stop()).toBe(0);
}

test("[TRN4] an event loop that falls behind: newcomers are refused, the served go on, until it keeps up again", async () => {
	await prove({
		node: await start(["--loop-delay-ms-max", "250"]),
		wish: "block",
		measure: "loopDelayMs",
		words: /^the event loop is up to \d+ ms behind; the limit is 250 ms$/,
	});
});

test("[TRN4] memory past its limit: the same", async () => {
	await prove({
		node: await start(["--memory-bytes-max", String(400 * 2 ** 20)]),
		wish: "fillMemory",
		measure: "memoryBytes",
		words: /^the process uses \d+ MiB of memory; the limit is 400 MiB$/,
	});
});

test("[TRN4] a JavaScript heap that is nearly full: the same", async () => {
	await prove({
		node: await start([], { NODE_OPTIONS: "--max-old-space-size=256" }),
		wish: "fillHeap",
		measure: "heapBytes",
		words: /^the JavaScript heap holds \d+ MiB; the limit is 230 MiB$/,
	});
});

test("[TRN4] a single long pause refuses nobody", async () => {
	const node = await start(["--loop-delay-ms-max", "500"]);
	const ann = await node.client("doc").synced();
	ann.provider.sendStateless("pause");
	// Answered after the pause, because it comes after it.
	expect(await refusal(node.url)).toBeUndefined();
	await ann.type("served").saved();
	expect((await node.readiness()).status).toBe(200);
	expect(node.told()).toEqual([]);
});

test("[TRN4] all connections taken: people are sent elsewhere until places are free, and a free place is given away", async () => {
	const node = await start(["--connections-max", "2"]);
	const ann = await node.client("doc").synced();
	const ben = await node.client("doc").synced();
	expect(await refusal(node.url)).toMatchObject({
		status: 503,
		body: "this node serves its maximum of 2 connections",
	});
	await eventually("the node to send people elsewhere", async () => (await node.readiness()).status === 503);
	await ann.type("full house").saved();
	const newcomer = node.client("doc");
	ben.destroy();
	await newcomer.synced();
	expect(newcomer.text.toString()).toBe("full house");
	expect(ann.closes).toEqual([]);
	newcomer.destroy();
	await eventually("the node to be ready", async () => (await node.readiness()).status === 200);
	await eventually("the log to tell of it", () => node.told().length > 1);
	expect(node.told()).toMatchObject([
		{ level: 40, measure: "connections" },
		{ level: 30, measure: "connections" },
	]);
});

test("[TRN4] when the last one leaves an overloaded node, the next is let in", async () => {
	const node = await start(["--memory-bytes-max", "1"]);
	const ann = await (await node.client("doc").synced()).type("first").saved();
	await eventually("the node to send people elsewhere", async () => (await node.readiness()).status === 503);
	expect(await refusal(node.url)).toMatchObject({ status: 503 });
	ann.destroy();
	const next = await node.client("doc").synced();
	expect(next.text.toString()).toBe("first");
});
