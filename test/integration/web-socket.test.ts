import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { clientFrame } from "../support/client-frames.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { authenticationFrame } from "../support/wire-frames.ts";

const key = "dGhlIHNhbXBsZSBub25jZQ==";
/** Of that key (RFC 6455, section 1.3). */
const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const opcodes = { continuation: 0, binary: 2, close: 8, ping: 9 };

interface RawPeer {
	readonly socket: Socket;
	/** All that has come. */
	received(): Buffer;
}

/** A TCP connection on which anything can be said. */
async function rawPeer(url: string): Promise<RawPeer> {
	const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true });
	onTestFinished(() => {
		socket.destroy();
	});
	const chunks: Buffer[] = [];
	socket.on("data", (chunk: Buffer) => chunks.push(chunk));
	socket.on("error", () => {});
	await once(socket, "connect");
	return { socket, received: () => Buffer.concat(chunks) };
}

function request(headers: Record<string, string>, method = "GET"): string {
	const lines = Object.entries({
		Host: "localhost",
		Connection: "Upgrade",
		Upgrade: "websocket",
		"Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": key,
		...headers,
	}).map(([name, value]) => `${name}: ${value}`);
	return `${method} / HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

/** One that is a WebSocket, and the bytes after the answer to its handshake. */
async function upgraded(url: string): Promise<RawPeer> {
	const { socket, received } = await rawPeer(url);
	socket.write(request({}));
	await eventually("the handshake", () => received().includes("\r\n\r\n"));
	const head = received().indexOf("\r\n\r\n") + 4;
	return { socket, received: () => received().subarray(head) };
}

test("the handshake is answered as the RFC says, and with the first subprotocol that was asked for", async () => {
	const { url } = await startLocalNode();
	const { socket, received } = await rawPeer(url);
	socket.write(request({ Upgrade: "WebSocket", "Sec-WebSocket-Protocol": "first, second" }));
	await eventually("the answer", () => received().includes("\r\n\r\n"));
	const [status, ...fields] = received().toString().split("\r\n");
	expect(status).toBe("HTTP/1.1 101 Switching Protocols");
	expect(fields).toContain(`Sec-WebSocket-Accept: ${accept}`);
	expect(fields).toContain("Sec-WebSocket-Protocol: first");
});

test.for([
	["no key", { "Sec-WebSocket-Key": "short" }, "GET", 400, "Sec-WebSocket-Key"],
	["another version", { "Sec-WebSocket-Version": "8" }, "GET", 426, "Sec-WebSocket-Version: 13"],
	["another protocol", { Upgrade: "h2c" }, "GET", 400, "websocket"],
	["another method", {}, "POST", 405, "Allow: GET"],
	["a body", { "Content-Length": "5" }, "GET", 400, "no body"],
	["a body of unknown length", { "Transfer-Encoding": "chunked" }, "GET", 400, "no body"],
	[
		"a subprotocol that is no name",
		{ "Sec-WebSocket-Protocol": "a b" },
		"GET",
		400,
		"Sec-WebSocket-Protocol",
	],
] as const)(
	"[TRN5] a handshake with %s is refused, and told why",
	async ([, headers, method, status, why]) => {
		const { node, url } = await startLocalNode();
		const { socket, received } = await rawPeer(url);
		socket.write(request(headers, method));
		await once(socket, "end");
		expect(received().toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
		expect(received().toString()).toContain(why);
		expect(node.connections).toBe(0);
	},
);

test("frames that come with the handshake are read", async () => {
	const { url } = await startLocalNode();
	const { socket, received } = await rawPeer(url);
	const question = clientFrame({ opcode: opcodes.binary, payload: authenticationFrame("doc") });
	socket.write(Buffer.concat([Buffer.from(request({})), question]));
	await eventually("an answer from Hocuspocus", () => received().includes("read-write"));
});

test("a message in parts, with a ping between them, is one message", async () => {
	const { url } = await startLocalNode();
	const { socket, received } = await upgraded(url);
	const message = authenticationFrame("doc");
	const part = (from: number, to: number | undefined, opcode: number, isFinal: boolean) =>
		clientFrame({ opcode, isFinal, payload: message.subarray(from, to) });
	socket.write(part(0, 3, opcodes.binary, false));
	socket.write(clientFrame({ opcode: opcodes.ping, payload: Buffer.from("are you there") }));
	socket.write(part(3, 4, opcodes.continuation, false));
	socket.write(part(4, undefined, opcodes.continuation, true));
	await eventually("an answer from Hocuspocus", () => received().includes("read-write"));
	expect(received().subarray(0, 15).toString("latin1")).toBe("\x8a\x0dare you there");
});

test("a client that closes is told its own code, and its connection ends", async () => {
	const { node, url } = await startLocalNode();
	const { socket, received } = await upgraded(url);
	socket.write(clientFrame({ opcode: opcodes.close, payload: Buffer.of(0x0f, 0xa1, 0x78) }));
	await once(socket, "end");
	expect(received()).toEqual(Buffer.of(0x88, 2, 0x0f, 0xa1));
	socket.end();
	await eventually("the connection to be gone", () => node.connections === 0);
});

test("a client that ends its connection without a word is not waited for", async () => {
	const { node, url } = await startLocalNode();
	const { socket } = await upgraded(url);
	await eventually("the connection", () => node.connections === 1);
	socket.end();
	await once(socket, "end");
	await eventually("the connection to be gone", () => node.connections === 0);
});

test("what a client sends after it has closed, or after it was refused, is not looked at", async () => {
	const { url } = await startLocalNode();
	const garbage = clientFrame({ opcode: opcodes.binary, payload: Buffer.from("garbage") });
	for (const last of [{ opcode: opcodes.close }, { opcode: opcodes.binary, mask: [] }]) {
		const { socket, received } = await upgraded(url);
		socket.write(Buffer.concat([clientFrame(last), garbage, garbage]));
		await eventually("the end", () => received().byteLength > 0);
		socket.end();
		await once(socket, "close");
		// One close frame, and no complaint about what came after it.
		expect(received()[0]).toBe(0x88);
		expect(received().byteLength).toBe(2 + (received()[1] ?? 0));
	}
});
