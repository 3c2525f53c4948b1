import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { authenticationFrame, updateFrame } from "../support/wire-frames.ts";

/** Rejections that nobody handles: they end a program that embeds a node. */
function strayErrors(): unknown[] {
	const strays: unknown[] = [];
	const listener = (error: unknown) => strays.push(error);
	process.on("unhandledRejection", listener);
	onTestFinished(() => {
		process.off("unhandledRejection", listener);
	});
	return strays;
}

const failures = {
	nothing: undefined,
	"a text": "no",
	"a code that is no WebSocket's": new DOMException("too slow", "TimeoutError"),
	"an HTTP status": Object.assign(new Error("forbidden"), { code: 403 }),
	"a reason too long for a close frame": Object.assign(new Error("no"), {
		code: 4403,
		reason: "é".repeat(99),
	}),
};

for (const hook of ["beforeHandleMessage", "beforeSync", "beforeHandleAwareness"] as const) {
	test.each(Object.entries(failures))(
		`[TRN5] [DUR6] a ${hook} hook that rejects with %s costs the sender its connection, and nothing else`,
		async (_label, failure) => {
			const strays = strayErrors();
			let isArmed = false;
			const { node, client } = await startLocalNode({
				lingerMs: 0,
				async [hook]() {
					if (!isArmed) return;
					isArmed = false;
					throw failure;
				},
			});
			const author = await (await client("doc").synced()).saved();
			isArmed = true;
			if (hook === "beforeHandleAwareness") author.provider.setAwarenessField("user", "Ann");
			else author.type("kept");
			await eventually("the author to be closed", () => author.closes.length > 0);
			await author.type("!").saved();
			author.destroy();
			await eventually("the document to be unloaded", () => node.hocuspocus.documents.size === 0);
			expect(strays).toEqual([]);
		},
	);
}

test("[TRN5] an onTokenSync hook that can't reach what it asks costs the sender its connection, and nothing else", async () => {
	const strays = strayErrors();
	const { node, client } = await startLocalNode({
		lingerMs: 0,
		async onTokenSync() {
			throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
		},
	});
	const author = await (await client("doc").synced()).saved();
	await author.provider.sendToken();
	await eventually("the author to be closed", () => author.closes.length > 0);
	await author.type("still here").saved();
	author.destroy();
	await eventually("the document to be unloaded", () => node.hocuspocus.documents.size === 0);
	expect(strays).toEqual([]);
});

test("[DUR1] [DUR3] a listener for durability events that fails does not end the saving", async () => {
	const strays = strayErrors();
	const { node, store, client } = await startLocalNode({
		onDurabilityEvent() {
			throw new Error("their database is away");
		},
	});
	const author = await client("doc").type("one ").saved();
	store.fail();
	author.type("two ");
	await eventually("a failed attempt", () => node.readiness().reasons.length > 0);
	store.recover();
	await author.saved();
	expect(strays).toEqual([]);
});

test("[DUR1] [TRN5] an onClose callback that fails when its client is told of a commit does not end the saving", async () => {
	const strays = strayErrors();
	const { node, store, client, url } = await startLocalNode({
		async connected({ connection, documentName }) {
			if (documentName !== "poisoned") return;
			connection.onClose(() => {
				if (connection.webSocket.readyState !== WebSocket.CLOSING) return;
				throw new Error("their callback is broken");
			});
		},
	});
	const author = await client("doc").synced();
	const ws = new WebSocket(url);
	onTestFinished(() => ws.terminate());
	await once(ws, "open");
	ws.send(authenticationFrame("poisoned"));
	await eventually("it to be open", () => node.hocuspocus.documents.has("poisoned"));
	const release = store.hold();
	const edited = new Y.Doc();
	edited.getText("text").insert(0, "x");
	ws.send(updateFrame("poisoned", Y.encodeStateAsUpdate(edited)));
	await eventually("the append to arrive", () => store.appends > 0);
	// The server ends the socket, and the peer does not answer that.
	ws.pause();
	ws.send(updateFrame("poisoned", Uint8Array.of(1, 255)));
	const [connection] = node.hocuspocus.documents.get("poisoned")?.getConnections() ?? [];
	await eventually("the socket to be closing", () => connection?.webSocket.readyState === WebSocket.CLOSING);
	release();
	await author.type("kept").saved();
	expect(strays).toEqual([]);
});
