import { once } from "node:events";
import type { onConnectPayload } from "@hocuspocus/server";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { openRawSocket } from "../support/raw-socket.ts";
import { authenticationFrame, syncStep1Frame } from "../support/wire-frames.ts";

interface Line {
	readonly level: "debug" | "info" | "warn" | "error";
	readonly message: string;
	readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that is kept. */
function keptLog() {
	const lines: Line[] = [];
	const at = (level: Line["level"]) => (fields: object, message: string) =>
		lines.push({ level, message, fields: { ...fields } });
	const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
	const ends = () => lines.filter(({ message }) => message.startsWith("a connection ended"));
	return { lines, logger, ends };
}

const last = (lines: readonly Line[]) => lines.at(-1)?.fields ?? {};

test("a connection makes one line when it ends, which counts and names nobody", async () => {
	const { lines, logger, ends } = keptLog();
	const socketIds = new Set<string>();
	const { client } = await startLocalNode({
		logger,
		async onConnect({ socketId }: onConnectPayload) {
			socketIds.add(socketId);
		},
	});
	const token = "a-token-of-somebody";
	const author = await client("secret-plans", { token }).synced();
	const reader = await client("secret-plans", { token }).synced();
	author.provider.setAwarenessField("user", { name: "Ada Lovelace" });
	await author.type("confidential").saved();
	await eventually("the other to have it", () => reader.text.length > 0);
	expect(ends()).toEqual([]);
	author.destroy();
	await eventually("its line", () => ends().length === 1);
	expect(last(ends())).toMatchObject({
		connection: expect.stringMatching(/^[\da-f-]{36}$/),
		by: "client",
		documents: 1,
		updatesReceived: 1,
		updatesSent: 0,
		durationMs: expect.any(Number),
		receivedBytes: expect.any(Number),
		sentBytes: expect.any(Number),
	});
	expect(socketIds).toContain(last(ends()).connection);
	reader.destroy();
	await eventually("the other's line", () => ends().length === 2);
	expect(last(ends())).toMatchObject({ updatesReceived: 0, updatesSent: 1 });
	expect(last(ends()).connection).not.toBe(ends()[0]?.fields.connection);
	const everyday = JSON.stringify(lines.filter(({ level }) => level !== "debug"));
	for (const secret of [token, "secret-plans", "Ada", "confidential", "127.0.0.1"])
		expect(everyday).not.toContain(secret);
});

test("[TRN5] the line says why the server has ended a connection, and not what a client gives as its reason", async () => {
	const { logger, ends } = keptLog();
	const { url } = await startLocalNode({ logger, frameBytesMax: 10_000, pingIntervalMs: 100 });
	const endOf = async (act: (socket: Awaited<ReturnType<typeof openRawSocket>>) => void) => {
		const before = ends().length;
		const socket = await openRawSocket(url);
		act(socket);
		await eventually("its line", () => ends().length > before);
		return last(ends());
	};
	expect(await endOf(({ ws }) => ws.send(Uint8Array.of(1, 65, 99)))).toMatchObject({
		code: 4400,
		reason: "malformed-message",
		by: "server",
		documents: 0,
	});
	expect(await endOf(({ ws }) => ws.send("text"))).toMatchObject({ code: 1003, by: "server" });
	expect(await endOf(({ ws }) => ws.send(Buffer.alloc(20_000)))).toMatchObject({ code: 1009, by: "server" });
	const left = await endOf(({ ws }) => ws.close(4999, "my name is Ada"));
	expect(left).toMatchObject({ code: 4999, by: "client" });
	expect(JSON.stringify(ends())).not.toContain("Ada");
	expect(await endOf(({ ws }) => ws.terminate())).toMatchObject({ code: 1006, by: "nobody" });
	const silent = await endOf(({ ws }) => {
		ws.send(authenticationFrame("doc"));
		ws.send(syncStep1Frame("doc"));
		ws.pause();
	});
	expect(silent).toMatchObject({ code: 1006, reason: "no-answer", by: "server", documents: 1 });
});

test("a trusted proxy's name for the request is in the lines, and nobody else's", async () => {
	const { logger, lines, ends } = keptLog();
	const nodes = {
		believed: await startLocalNode({ logger, trustedProxies: "127.0.0.1" }),
		unknown: await startLocalNode({ logger }),
	};
	const nameIn = async (which: keyof typeof nodes, headers: Readonly<Record<string, string>>) => {
		const before = ends().length;
		const { ws } = await openRawSocket(nodes[which].url, { headers });
		ws.close();
		await once(ws, "close");
		await eventually("its line", () => ends().length > before);
		return last(ends()).request;
	};
	const trace = "0af7651916cd43dd8448eb211c80319c";
	const traceparent = `00-${trace}-b7ad6b7169203331-01`;
	expect(await nameIn("believed", { "x-request-id": "f00-17" })).toBe("f00-17");
	expect(lines.find(({ message }) => message === "a connection was opened")?.fields.request).toBe("f00-17");
	expect(await nameIn("believed", { traceparent })).toBe(trace);
	expect(await nameIn("believed", { "x-request-id": "two words", traceparent })).toBe(trace);
	expect(await nameIn("believed", { "x-request-id": "x".repeat(65) })).toBeUndefined();
	expect(await nameIn("unknown", { "x-request-id": "f00-17", traceparent })).toBeUndefined();
	expect(await nameIn("believed", {})).toBeUndefined();
});

test("[TRN5] a flood of connections that open nothing makes a bounded number of lines, which say how many are missing", async () => {
	const { logger, ends } = keptLog();
	const { url, node } = await startLocalNode({ logger });
	for (let round = 0; round < 8; round += 1) {
		const sockets = await Promise.all(Array.from({ length: 25 }, () => openRawSocket(url)));
		for (const { ws } of sockets) ws.terminate();
	}
	await eventually("all to be gone", () => node.connections === 0);
	expect(ends().length).toBeGreaterThanOrEqual(50);
	expect(ends().length).toBeLessThan(190);
	await eventually("a line that says so", async () => {
		const { ws } = await openRawSocket(url);
		ws.terminate();
		return ends().some(({ fields }) => Number(fields.sinceLastLine) > 0);
	});
});

test("a refusal and a failed hook are told apart by the connection that they are about", async () => {
	const { logger, lines, ends } = keptLog();
	const { client } = await startLocalNode({
		logger,
		authJwtSecret: "x".repeat(32),
		async onDisconnect() {
			throw new Error("not today");
		},
		authAnonymousWrite: "open-*",
	});
	const refused = client("private", { token: "no token at all" });
	await eventually("the refusal", () => refused.denials.length === 1);
	const line = lines.find(({ message }) => message === "a client was refused");
	expect(line?.fields).not.toHaveProperty("documentName");
	refused.destroy();
	await eventually("its end", () => ends().length === 1);
	expect(last(ends()).connection).toBe(line?.fields.connection);
	const guest = await client("open-doc", { token: "" }).synced();
	guest.destroy();
	await eventually("the hook's failure", () => lines.some(({ message }) => message === "a hook failed"));
	await eventually("its end", () => ends().length === 2);
	const failure = lines.find(({ message }) => message === "a hook failed");
	expect(failure?.fields.connection).toBe(last(ends()).connection);
});
