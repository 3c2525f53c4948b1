import { Server } from "@hocuspocus/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { Awareness, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { ContentLimits, type LimitEvent } from "../../extensions/limits/index.ts";
import { type Client, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { limitedNode } from "../support/limited-node.ts";
import { presenceFrame } from "../support/wire-frames.ts";

const KiB = 1024;

/** What a client sees of another one. */
function seen(viewer: Client, shown: Client): Record<string, unknown> | undefined {
	return viewer.provider.awareness?.getStates().get(shown.document.clientID);
}

/** Presence of so many people, in one message. */
function crowd(count: number, state: object = { cursor: 1 }): Uint8Array {
	const sender = new Awareness(new Y.Doc());
	const ids: number[] = [];
	for (let index = 0; index < count; index += 1) {
		const id = 1_000_000 + Math.floor(Math.random() * 1e9);
		ids.push(id);
		sender.states.set(id, state);
		sender.meta.set(id, { clock: 1, lastUpdated: 0 });
	}
	const update = encodeAwarenessUpdate(sender, ids);
	sender.destroy();
	return update;
}

function sendPresence({ provider, socket }: Client, update: Uint8Array): void {
	socket.webSocket?.send(presenceFrame(provider.effectiveName, update));
}

interface Place {
	client(): Client;
	/** How many show themselves in the document. */
	present(): number;
	count(type: LimitEvent["type"], limit: LimitEvent["limit"]): number;
}

const limits = {
	presenceBytesMax: 4 * KiB,
	documentPresenceBytesMax: 10 * KiB,
	presenceClientsPerConnectionMax: 8,
};

async function ourNode(hooks: object = {}): Promise<Place> {
	const node = await limitedNode({ ...limits, ...hooks });
	return {
		client: () => node.client("doc"),
		present: () => node.node.hocuspocus.documents.get("doc")?.awareness.states.size ?? 0,
		count: node.count,
	};
}

async function stockServer(): Promise<Place> {
	const events: LimitEvent[] = [];
	const contentLimits = new ContentLimits({
		...limits,
		onEvent: (event) => events.push(event),
		logger: quiet,
	});
	const server = new Server({ port: 0, quiet: true, stopOnSignals: false, extensions: [contentLimits] });
	await server.listen();
	const clients: Client[] = [];
	onTestFinished(async () => {
		for (const client of clients) client.destroy();
		await server.destroy();
	});
	return {
		client() {
			const client = openClient({ url: server.webSocketURL, name: "doc" });
			clients.push(client);
			return client;
		},
		present: () => server.hocuspocus.documents.get("doc")?.awareness.states.size ?? 0,
		count: (type, limit) => events.filter((event) => event.type === type && event.limit === limit).length,
	};
}

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const places = [
	["on our node", () => ourNode()],
	["on our node, while a hook watches presence", () => ourNode({ beforeHandleAwareness: async () => {} })],
	["on our node, while a hook watches messages", () => ourNode({ beforeHandleMessage: async () => {} })],
	["on a stock server", stockServer],
] as const;

describe.for(places)("[TRN5] presence, %s", ([, start]) => {
	it("of more than it may have is not taken, and the rest of it is; nobody is closed for it once", async () => {
		const place = await start();
		const [shower, viewer] = [place.client(), place.client()];
		await Promise.all([shower.synced(), viewer.synced()]);
		shower.provider.awareness?.setLocalState({ cursor: 1 });
		await eventually("a cursor", () => seen(viewer, shower)?.cursor === 1);
		shower.provider.awareness?.setLocalState({ cursor: 2, picture: "x".repeat(5 * KiB) });
		await eventually("a refusal", () => place.count("refused", "presence-size") === 1);
		shower.provider.awareness?.setLocalState({ cursor: 3 });
		await eventually("a later cursor", () => seen(viewer, shower)?.cursor === 3);
		await viewer.type("a").saved();
		expect([...shower.closes, ...viewer.closes]).toEqual([]);
	});

	it("of more people than one connection speaks for is not taken", async () => {
		const place = await start();
		const [sender, viewer] = [place.client(), place.client()];
		await Promise.all([sender.synced(), viewer.synced()]);
		viewer.provider.awareness?.setLocalState({ cursor: 1 });
		sendPresence(sender, crowd(100));
		await eventually("a refusal", () => place.count("refused", "presence-clients") === 1);
		for (let message = 0; message < 20; message += 1) sendPresence(sender, crowd(1));
		await eventually("refusals", () => place.count("refused", "presence-clients") >= 20);
		expect(place.present()).toBeLessThanOrEqual(8 + 2);
		await viewer.type("a").saved();
		expect(viewer.closes).toEqual([]);
	});

	it("costs whoever goes on and on the connection", async () => {
		const place = await start();
		const [sender, viewer] = [place.client(), place.client()];
		await Promise.all([sender.synced(), viewer.synced()]);
		const tooMuch = crowd(1, { picture: "x".repeat(5 * KiB) });
		for (let message = 0; message < 300; message += 1) sendPresence(sender, tooMuch);
		await eventually("to be closed", () => sender.closes.length > 0);
		expect(sender.closes[0]).toEqual({ code: 4413, reason: "presence-too-big" });
		expect(place.count("closed", "presence-size")).toBe(1);
		await viewer.type("a").saved();
		expect(viewer.closes).toEqual([]);
		await eventually("it to be back", () => sender.text.toString() === "a");
	});

	it("of all people together is bounded, and room is made by who leaves", async () => {
		const place = await start();
		const viewer = await place.client().synced();
		const showers = [place.client(), place.client(), place.client(), place.client()];
		await Promise.all(showers.map((shower) => shower.synced()));
		const show = (shower: Client) => shower.provider.awareness?.setLocalState({ big: "x".repeat(3 * KiB) });
		const [last, ...first] = showers;
		for (const shower of first) show(shower);
		await eventually("three", () => first.every((shower) => seen(viewer, shower)?.big !== undefined));
		if (last === undefined) throw new Error("nobody is left");
		show(last);
		await eventually("a refusal", () => place.count("refused", "presence-size") === 1);
		expect(seen(viewer, last)?.big).toBeUndefined();
		first[0]?.provider.destroy();
		await eventually(
			"one to be gone",
			() => place.present() < 4 || seen(viewer, first[0] ?? last) === undefined,
		);
		await eventually("room for another", () => {
			show(last);
			return seen(viewer, last)?.big !== undefined;
		});
	});
});
