import { expect, test, vi } from "vitest";
import * as Y from "yjs";
import type { LimitEvent } from "../../extensions/limits/index.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { openRawSocket, upgradeStatus } from "../support/raw-socket.ts";
import { authenticationFrame, syncStep1Frame, updateFrame } from "../support/wire-frames.ts";

// It takes a quarter of a minute until somebody has to go.
vi.setConfig({ testTimeout: 90_000 });

async function openReader(url: string) {
	const reader = await openRawSocket(url);
	reader.ws.send(authenticationFrame("doc"));
	reader.ws.send(syncStep1Frame("doc"));
	await eventually("it to be let in", () => reader.received.length > 1);
	return reader;
}

test("[TRN4] while memory is short, idle connections go, those that are idle for longest first, and never who types", async () => {
	const events: LimitEvent[] = [];
	const { node, url, client } = await startLocalNode({
		memoryBytesMax: 1,
		shedIdleMs: 300,
		pingIntervalMs: 100,
		onLimitEvent: (event) => events.push(event),
	});
	const neverShedding = await startLocalNode({ memoryBytesMax: 1, shedIdleMs: 0, pingIntervalMs: 100 });
	const roomy = await startLocalNode({ shedIdleMs: 1, pingIntervalMs: 100 });
	const unharmed = await Promise.all([neverShedding, roomy].map((other) => other.client("doc").synced()));
	const idle = await openReader(url);
	const lessIdle = await openReader(url);
	const typist = await client("doc").synced();
	const typing = setInterval(() => typist.type("x"), 50);
	await eventually("the node to say so", () => !node.readiness().ready);
	expect((await upgradeStatus(url)).status).toBe(503);
	lessIdle.ws.send(updateFrame("doc", Y.encodeStateAsUpdate(new Y.Doc())));
	await eventually("the idle one to be closed", () => idle.closes.length > 0, 60_000);
	expect(lessIdle.closes).toEqual([]);
	await eventually("the less idle one to be closed", () => lessIdle.closes.length > 0, 60_000);
	clearInterval(typing);
	const closed = { code: 1013, reason: "overloaded" };
	expect([...idle.closes, ...lessIdle.closes]).toEqual([closed, closed]);
	const event = { type: "closed", limit: "idle-connections" };
	expect(events).toEqual([event, event]);
	expect(typist.closes).toEqual([]);
	expect(unharmed.flatMap(({ closes }) => closes)).toEqual([]);
});

test("[TRN4] [DUR3] a slow store: newcomers are refused before anybody who writes has to go", async () => {
	const { node, store, url, client } = await startLocalNode({ backlogBytesMax: 100_000 });
	const writer = await client("doc").synced();
	const release = store.hold();
	writer.type("x".repeat(30_000)).type("y".repeat(30_000));
	await eventually("the node to say so", () =>
		node.readiness().reasons.some((reason) => reason.includes("of edits wait for the store")),
	);
	expect((await upgradeStatus(url)).status).toBe(503);
	expect(writer.provider.hasUnsyncedChanges).toBe(true);
	release();
	await writer.saved();
	expect(writer.closes).toEqual([]);
	await eventually("newcomers to be let in", async () => (await upgradeStatus(url)).status === 101, 30_000);
});
