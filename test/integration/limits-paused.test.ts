import { expect, onTestFinished, test } from "vitest";
import type { LimitEvent } from "../../extensions/limits/index.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNodeOptions, startLocalNode } from "../support/local-node.ts";
import { openRawSocket, type RawSocket } from "../support/raw-socket.ts";
import { signToken, testSecret } from "../support/tokens.ts";
import { authenticationFrame, syncStep1Frame } from "../support/wire-frames.ts";

/** A node and a client of whose socket nothing is read, for a minute and longer. */
async function startWithPaused(options: LocalNodeOptions = {}) {
	const events: LimitEvent[] = [];
	const local = await startLocalNode({
		messagesPerSecondMax: 10,
		slowedMsMax: 0,
		onLimitEvent: (event) => events.push(event),
		...options,
	});
	const paused = await openRawSocket(local.url);
	paused.ws.send(authenticationFrame("doc", await signToken({ sub: "noisy" })));
	const { documents } = local.node.hocuspocus;
	await eventually("it to be let in", () => documents.get("doc")?.getConnectionsCount() === 1);
	keepSending(paused);
	await eventually("it to be slowed", () => events.some(({ type }) => type === "slowed"));
	return { ...local, paused };
}

function keepSending({ ws }: RawSocket): void {
	const timer = setInterval(() => {
		for (let sent = 0; sent < 1_000 && ws.bufferedAmount < 1_000_000; sent += 1)
			ws.send(syncStep1Frame("doc"));
	}, 10);
	onTestFinished(() => clearInterval(timer));
}

test("[TRN5] a socket that is not read can be closed by an operator, and is gone soon though its client's answer is not heard", async () => {
	const { node, paused } = await startWithPaused();
	const [connection] = node.document("doc")?.connections ?? [];
	expect(node.closeConnection(connection?.id ?? "")).toBe(true);
	await eventually("the client to hear of it", () => paused.closes.length > 0, 7_000);
	expect(paused.closes).toEqual([{ code: 4410, reason: "closed-by-operator" }]);
	await eventually("it to be gone", () => node.connections === 0, 7_000);
});

test("[TRN5] a user whose socket is not read can be revoked, and hears of it soon", async () => {
	const { node, paused } = await startWithPaused({ authJwtSecret: testSecret });
	expect(node.revoke({ user: "noisy", action: "close" })).toBe(1);
	await eventually("the client to hear of it", () => paused.closes.length > 0, 7_000);
	expect(paused.closes).toEqual([{ code: 4403, reason: "access-revoked" }]);
	await eventually("it to be gone", () => node.connections === 0, 7_000);
});

test("[TRN3] a node stops in time while sockets are not read", async () => {
	const { node, paused, client } = await startWithPaused();
	const other = await client("doc").synced();
	await other.type("hello").saved();
	await node.drain();
	await eventually("the client to hear of it", () => paused.closes.length > 0, 7_000);
	expect(paused.closes).toEqual([{ code: 1012, reason: "service-restart" }]);
	expect(node.connections).toBe(0);
});

test("[TRN5] a client that goes while its socket is not read leaves nothing behind once it is read again", async () => {
	const { node, paused } = await startWithPaused({ messagesPerSecondMax: 100, pingIntervalMs: 200 });
	paused.ws.terminate();
	await eventually("it to be gone", () => node.connections === 0);
});
