import { expect, test } from "vitest";
import { Awareness, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { Auth } from "../../extensions/auth/index.ts";
import type { Client } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { startRedis } from "../support/redis-server.ts";
import { signToken, testSecret } from "../support/tokens.ts";

interface State {
	readonly user?: { readonly id?: string; readonly name?: string; readonly color?: string };
	readonly cursor?: number;
}

/** What one client sees of another. */
function seen(by: Client, of: Client): State | undefined {
	return by.provider.awareness?.getStates().get(of.document.clientID) as State | undefined;
}

/** Has a client claim things about awareness ids, whosever they are. */
function claim(client: Client, clientId: number, clock: number, state: object | null): void {
	const document = new Y.Doc();
	document.clientID = clientId;
	const awareness = new Awareness(document);
	awareness.setLocalState(state as Record<string, unknown> | null);
	awareness.meta.set(clientId, { clock, lastUpdated: Date.now() });
	const update = encodeAwarenessUpdate(awareness, [clientId]);
	sendAwareness(client, client.provider.effectiveName, update);
	awareness.destroy();
}

function sendAwareness(client: Client, address: string, update: Uint8Array): void {
	const name = new TextEncoder().encode(address);
	const lengthOf = (bytes: number) => (bytes < 128 ? [bytes] : [128 + (bytes % 128), bytes >> 7]);
	client.socket.webSocket?.send(
		new Uint8Array([...lengthOf(name.byteLength), ...name, 1, ...lengthOf(update.byteLength), ...update]),
	);
}

test("[ACC4] a cursor names whom the token names, whatever its client says", async () => {
	const node = await startLocalNode({ authJwtSecret: testSecret });
	const ann = await node.client("doc", { token: await signToken({ sub: "u-ann", name: "Ann" }) }).synced();
	const bob = await node.client("doc", { token: await signToken({ sub: "u-bob" }) }).synced();
	ann.provider.setAwarenessField("user", { name: "The Boss", id: "u-boss", color: "#f00" });
	bob.provider.setAwarenessField("user", { name: "Bobby" });
	await eventually("ann's cursor", () => seen(bob, ann)?.user?.color);
	expect(seen(bob, ann)?.user).toEqual({ name: "Ann", id: "u-ann", color: "#f00" });
	await eventually("bob's cursor", () => seen(ann, bob)?.user?.id);
	expect(seen(ann, bob)?.user).toEqual({ name: "Bobby", id: "u-bob" });
	ann.provider.setAwarenessField("cursor", 7);
	await eventually("the move", () => seen(bob, ann)?.cursor === 7);
	expect(seen(bob, ann)?.user?.name).toBe("Ann");
	ann.destroy();
	await eventually("ann to be gone", () => seen(bob, ann) === undefined);
});

test("[ACC4] nobody speaks for another's cursor: neither moves it nor takes it away", async () => {
	const node = await startLocalNode({ authJwtSecret: testSecret });
	const ann = await node.client("doc", { token: await signToken({ sub: "u-ann", name: "Ann" }) }).synced();
	const eve = await node.client("doc", { token: await signToken({ sub: "u-eve", name: "Eve" }) }).synced();
	ann.provider.setAwarenessField("cursor", 1);
	await eventually("ann's cursor", () => seen(eve, ann)?.cursor === 1);
	claim(eve, ann.document.clientID, 1_000, { cursor: 666 });
	claim(eve, ann.document.clientID, 1_001, null);
	eve.provider.setAwarenessField("cursor", 2);
	await eventually("eve's own", () => seen(ann, eve)?.cursor === 2);
	const [document] = node.node.hocuspocus.documents.values();
	expect(document?.awareness.getStates().get(ann.document.clientID)).toMatchObject({
		cursor: 1,
		user: { name: "Ann" },
	});
	ann.provider.setAwarenessField("cursor", 3);
	await eventually("ann's next move", () => seen(eve, ann)?.cursor === 3);
});

test("somebody who comes back with the same editor has the same cursor", async () => {
	const node = await startLocalNode({ authJwtSecret: testSecret });
	const token = await signToken({ sub: "u-ann", name: "Ann" });
	const bob = await node.client("doc", { token: await signToken({ sub: "u-bob" }) }).synced();
	const ann = await node.client("doc", { token }).synced();
	ann.provider.setAwarenessField("cursor", 1);
	await eventually("ann's cursor", () => seen(bob, ann)?.cursor === 1);
	// The same editor on a second connection, while the first is still there.
	const again = await node.client("doc", { token, document: ann.document }).synced();
	again.provider.setAwarenessField("cursor", 2);
	again.provider.setAwarenessField("cursor", 5);
	await eventually("the new connection's", () => seen(bob, again)?.cursor === 5);
	ann.destroy();
});

test("[ACC4] on two nodes nobody speaks for a cursor of the other one", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url, { authJwtSecret: testSecret });
	const [one, two] = [await cluster.node(), await cluster.node()];
	const ann = await one.client("doc", { token: await signToken({ sub: "u-ann", name: "Ann" }) }).synced();
	const eve = await two.client("doc", { token: await signToken({ sub: "u-eve", name: "Eve" }) }).synced();
	ann.provider.setAwarenessField("cursor", 1);
	await eventually("ann's cursor", () => seen(eve, ann)?.cursor === 1);
	claim(eve, ann.document.clientID, 1_000, { cursor: 666 });
	eve.provider.setAwarenessField("cursor", 2);
	await eventually("eve's own", () => seen(ann, eve)?.cursor === 2);
	ann.provider.setAwarenessField("cursor", 3);
	await eventually("ann's next move", () => seen(eve, ann)?.cursor === 3);
	expect(seen(eve, ann)?.user?.name).toBe("Ann");
});

test("presence that can't be read costs its sender the connection, and nobody else anything", async () => {
	const node = await startLocalNode({ authJwtSecret: testSecret });
	const ann = await node.client("doc", { token: await signToken({ sub: "u-ann" }) }).synced();
	const eve = await node.client("doc", { token: await signToken({ sub: "u-eve" }) }).synced();
	sendAwareness(eve, eve.provider.effectiveName, new Uint8Array([3, 1, 1, 4, 110, 117]));
	await eventually("the end", () => eve.closes.length > 0);
	expect(eve.closes[0]).toEqual({ code: 4400, reason: "malformed-message" });
	await ann.type("unmoved").saved();
});

test("off, or without anybody who says who somebody is, presence stays as it came", async () => {
	const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
	const off = await startLocalNode({ authJwtSecret: testSecret, stampPresence: false });
	const open = await startLocalNode({ extensions: [new Auth({ logger: quiet })] });
	for (const [node, token] of [
		[off, await signToken({ sub: "u-ann", name: "Ann" })],
		[open, "any"],
	] as const) {
		const ann = await node.client("doc", { token }).synced();
		const bob = await node.client("doc", { token }).synced();
		ann.provider.setAwarenessField("user", { name: "Whoever" });
		await eventually("the cursor", () => seen(bob, ann)?.user?.name);
		expect(seen(bob, ann)?.user).toEqual({ name: "Whoever" });
	}
});
