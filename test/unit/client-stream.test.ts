import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ClientStream, clientStreamOf } from "../../server/transport/client-stream.ts";
import { DuplexStream } from "../../server/transport/duplex-stream.ts";
import { findTcpBinding } from "../../server/transport/tcp-handle.ts";
import { makeCertificates } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { type MakeStream, type UpgradedPair, upgradedPair } from "../support/upgraded-pair.ts";

const kinds: Record<string, MakeStream> = {
	"of a TCP handle": clientStreamOf,
	"of a net.Socket": (socket, head) => new DuplexStream(socket, head),
};

/** More than the system takes from somebody to whom nobody listens. */
const plentyBytes = 32 * 1024 * 1024;

/** Writes numbered pieces until the system takes no more, and some after that. @returns Them. */
function fill(stream: ClientStream): Buffer {
	const pieces: Buffer[] = [];
	for (let n = 0, bytes = 0; bytes < plentyBytes; n += 1) {
		// Of all sizes.
		const piece = Buffer.alloc(1 + ((n * 7_919) % 60_000), `${n},`);
		pieces.push(piece);
		stream.write(piece);
		bytes += piece.byteLength;
	}
	return Buffer.concat(pieces);
}

test("here, connections are taken from net.Socket", async () => {
	expect(findTcpBinding()).toBeDefined();
	const { stream } = await upgradedPair(clientStreamOf);
	expect(stream).not.toBeInstanceOf(DuplexStream);
});

test("[TRN5] whoever keeps a few bytes that were read keeps little beside them", async () => {
	const { stream, client } = await upgradedPair(clientStreamOf);
	const kept: Buffer[] = [];
	stream.handlers = { read: (chunk) => kept.push(chunk), ended() {}, gone() {} };
	const sizes = [1, 10, 100, 500, 1_000, 10_000];
	for (const size of sizes) {
		const before = kept.length;
		client.write(Buffer.alloc(size, size));
		await eventually(
			"it is read",
			() => kept.slice(before).reduce((sum, c) => sum + c.byteLength, 0) === size,
		);
		const [chunk] = kept.slice(before);
		expect(chunk?.buffer.byteLength).toBeLessThanOrEqual(Math.max(4_096, size));
	}
	const expected = Buffer.concat(sizes.map((size) => Buffer.alloc(size, size)));
	expect(Buffer.concat(kept).equals(expected)).toBe(true);
});

describe.each(Object.entries(kinds))("a stream %s", (_kind, make) => {
	test("carries bytes both ways, and counts them", async () => {
		const { stream, events, client } = await upgradedPair(make);
		const receivedBefore = stream.receivedBytes;
		client.write("hello");
		await eventually("it is read", () => events.includes("read hello"));
		stream.write(Buffer.from("good "));
		stream.write(Buffer.from("day"));
		const [first] = await once(client, "data");
		const rest = String(first) === "good day" ? "" : String((await once(client, "data"))[0]);
		expect(`${first}${rest}`).toBe("good day");
		expect(stream.receivedBytes - receivedBefore).toBe(5);
		expect(stream.sentBytes).toBe(8);
		expect(stream.waitingBytes).toBe(0);
	});

	test("what came with the request is read first", async () => {
		const { events, client } = await upgradedPair(make, "one ");
		client.write("two ");
		client.write("three");
		await eventually("all is read", () => events.join("|") === "read one two three");
	});

	test("what came with the request waits as long as nothing is to be read", async () => {
		const { stream, events, client } = await upgradedPair((socket, head) => {
			const made = make(socket, head);
			made.pause();
			return made;
		}, "one ");
		client.write("two");
		await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
		expect(events).toEqual([]);
		stream.resume();
		await eventually("all is read", () => events.join("|") === "read one two");
	});

	test("[TRN2] what a client does not read waits, and comes whole and in order when it does", async () => {
		const { stream, client } = await upgradedPair(make);
		const written = fill(stream);
		expect(stream.waitingBytes).toBeGreaterThan(plentyBytes / 8);
		expect(stream.needsDrain).toBe(true);
		let drained = 0;
		stream.onceDrained(() => {
			drained += 1;
			expect(stream.waitingBytes).toBe(0);
			expect(stream.needsDrain).toBe(false);
		});
		const got: Buffer[] = [];
		let bytes = 0;
		client.on("data", (chunk: Buffer) => {
			got.push(chunk);
			bytes += chunk.byteLength;
		});
		await eventually("all has come", () => bytes >= written.byteLength);
		expect(Buffer.concat(got).equals(written)).toBe(true);
		await eventually("it is drained", () => drained > 0);
		stream.write(Buffer.from("more"));
		await eventually("that has come, too", () => got.at(-1)?.toString() === "more");
		expect(drained).toBe(1);
	});

	test("what is corked leaves in one piece", async () => {
		const { stream, client } = await upgradedPair(make);
		stream.cork();
		for (const piece of ["a", "b", "c"]) stream.write(Buffer.from(piece));
		expect(stream.waitingBytes).toBe(3);
		stream.uncork();
		const [first] = await once(client, "data");
		expect(String(first)).toBe("abc");
		// As often as somebody likes.
		stream.uncork();
		stream.write(Buffer.from("d"));
		const [next] = await once(client, "data");
		expect(String(next)).toBe("d");
	});

	test("while nothing is to be read, what comes waits", async () => {
		const { stream, events, client } = await upgradedPair(make);
		stream.pause();
		client.write("waits");
		// It has come: what was sent after it on another connection has.
		const other = await upgradedPair(make);
		other.client.write("comes");
		await eventually("the other is read", () => other.events.includes("read comes"));
		expect(events).toEqual([]);
		stream.resume();
		await eventually("it is read", () => events.includes("read waits"));
	});

	test("when both sides have ended it is gone, whoever does so first", async () => {
		const theirs = await upgradedPair(make);
		theirs.client.end("bye");
		await eventually("their end is seen", () => theirs.events.includes("ended"));
		expect(theirs.events).toEqual(["read bye", "ended"]);
		theirs.stream.write(Buffer.from("bye, too"));
		theirs.stream.end();
		theirs.stream.write(Buffer.from("late"));
		const [last] = await once(theirs.client, "data");
		expect(String(last)).toBe("bye, too");
		await eventually("it is gone", () => theirs.events.includes("gone"));

		const ours = await upgradedPair(make);
		ours.stream.end();
		ours.client.resume();
		await once(ours.client, "end");
		expect(ours.events).toEqual([]);
		ours.client.end();
		await eventually("it is gone", () => ours.events.includes("gone"));
		expect(ours.events).toEqual(["ended", "gone"]);
	});

	test("what waits leaves before the end", async () => {
		const { stream, events, client } = await upgradedPair(make);
		const written = fill(stream);
		stream.end();
		const got: Buffer[] = [];
		client.on("data", (chunk: Buffer) => got.push(chunk));
		await once(client, "end");
		expect(Buffer.concat(got).equals(written)).toBe(true);
		client.end();
		await eventually("it is gone", () => events.includes("gone"));
	});

	test("what is written after the end is thrown away, and what waited before it still leaves, whoever corks it then", async () => {
		const { stream, events, client } = await upgradedPair(make);
		const written = fill(stream);
		stream.end();
		stream.end();
		stream.cork();
		stream.write(Buffer.from("late"));
		const got: Buffer[] = [];
		client.on("data", (chunk: Buffer) => got.push(chunk));
		await once(client, "end");
		expect(Buffer.concat(got).equals(written)).toBe(true);
		expect(events).toEqual([]);
		client.end();
		await eventually("it is gone", () => events.includes("gone"));
	});

	test("[TRN2] it is drained when nothing waits any more, be it ever so little", async () => {
		const { stream, client } = await upgradedPair(make);
		client.resume();
		let drained = 0;
		const listen = () => stream.onceDrained(() => (drained += 1));
		stream.cork();
		stream.write(Buffer.from("little"));
		listen();
		await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
		expect(stream.needsDrain).toBe(false);
		expect(drained).toBe(0);
		stream.uncork();
		await eventually("it is drained", () => drained === 1);
		listen();
		await eventually("there is nothing to wait for", () => drained === 2);
		fill(stream);
		listen();
		stream.end();
		await eventually("it is drained before its end", () => drained === 3);
		expect(stream.waitingBytes).toBe(0);
	});

	test("what is destroyed is gone once, and the server is told", async () => {
		const { stream, events, server } = await upgradedPair(make, "hello");
		await eventually("something is read", () => events.length > 0);
		fill(stream);
		let isServerClosed = false;
		server.close(() => {
			isServerClosed = true;
		});
		server.closeIdleConnections();
		const { receivedBytes } = stream;
		expect(isServerClosed).toBe(false);
		stream.destroy();
		stream.destroy();
		stream.end();
		stream.write(Buffer.from("late"));
		stream.pause();
		stream.resume();
		stream.uncork();
		await eventually("the server is closed", () => isServerClosed);
		expect(events).toEqual(["read hello", "gone"]);
		expect(stream.receivedBytes).toBe(receivedBytes);
		expect(stream.sentBytes).toBeGreaterThan(0);
	});

	test("[TRN5] a client that resets its connection is gone, whatever was on its way to it", async () => {
		for (const isFull of [false, true]) {
			const { stream, events, client } = await upgradedPair(make);
			if (isFull) fill(stream);
			client.resetAndDestroy();
			await eventually("it is gone", () => events.includes("gone"));
			expect(events).toEqual(["gone"]);
		}
	});

	test("[TRN5] writing to a client that is gone, and not known to be, ends it", async () => {
		const { stream, events, client } = await upgradedPair(make);
		stream.pause();
		client.resetAndDestroy();
		await eventually("it is gone", () => {
			stream.write(Buffer.from("anybody?"));
			return events.includes("gone");
		});
	});
	test("a listener that throws at what came with the request does not keep the rest from being read", async () => {
		const { stream, events, client } = await upgradedPair((socket, head) => {
			const made = make(socket, head);
			made.pause();
			return made;
		}, "one ");
		const thrown: unknown[] = [];
		process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error));
		onTestFinished(() => process.setUncaughtExceptionCaptureCallback(null));
		const { handlers } = stream;
		stream.handlers = {
			read() {
				stream.handlers = handlers;
				throw new Error("of a listener");
			},
			ended() {},
			gone() {},
		};
		stream.resume();
		await eventually("it has thrown", () => thrown.length > 0);
		client.write("two");
		await eventually("the rest is read", () => events.join("|") === "read two");
		expect(thrown).toEqual([new Error("of a listener")]);
	});

	test("once it has ended it is not drained, whoever still corks it", async () => {
		const { stream, events, client } = await upgradedPair(make);
		fill(stream);
		client.resetAndDestroy();
		await eventually("it is gone", () => events.includes("gone"));
		let drained = 0;
		if (stream.waitingBytes > 0) stream.onceDrained(() => (drained += 1));
		stream.cork();
		stream.uncork();
		expect(drained).toBe(0);
		expect(events).toEqual(["gone"]);
	});
});

test("whoever ends the socket that a connection came with ends it, and the server counts it out once", async () => {
	const endings: Record<string, (socket: Duplex) => void> = {
		"by destroying it": (socket) => socket.destroy(),
		"with a last word": (socket) => socket.end("HTTP/1.1 404 Not Found\r\n\r\n"),
		"while it is written to": (socket) => {
			socket.write("early");
			socket.destroy();
		},
	};
	for (const [how, end] of Object.entries(endings)) {
		const sockets: Duplex[] = [];
		const { events, server } = await upgradedPair((socket, head) => {
			sockets.push(socket);
			return clientStreamOf(socket, head);
		});
		for (const socket of sockets) end(socket);
		await eventually(`it is gone: ${how}`, () => events.includes("gone"));
		expect(await promisify(server.getConnections.bind(server))()).toBe(0);
		expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
	}
});

test("where what is deprecated throws, connections stay with their net.Socket", () => {
	process.throwDeprecation = true;
	onTestFinished(() => {
		process.throwDeprecation = false;
	});
	expect(findTcpBinding()).toBeUndefined();
});

test("what somebody else notes about a connection's handle stays", async () => {
	const note = Symbol("note");
	let handle: object | undefined;
	await upgradedPair((socket, head) => {
		handle = (socket as unknown as { _handle: object })._handle;
		Reflect.set(handle, note, "theirs");
		return clientStreamOf(socket, head);
	});
	expect(handle && Reflect.get(handle, note)).toBe("theirs");
});

test("what is not used of a connection's net.Socket does not stay in memory", async () => {
	setFlagsFromString("--expose-gc");
	const collect = runInNewContext("gc") as () => void;
	let left: WeakRef<Duplex> | undefined;
	await upgradedPair((socket, head) => {
		left = new WeakRef(socket);
		return clientStreamOf(socket, head);
	});
	await eventually("it is collected", () => {
		collect();
		return left !== undefined && left.deref() === undefined;
	});
});

test("whoever waits for the end of a connection's socket is told once, however it ends", async () => {
	const endings: Record<string, (pair: UpgradedPair, socket: Duplex) => void> = {
		"the client is gone": ({ client }) => client.resetAndDestroy(),
		"both sides end": ({ stream, client }) => {
			client.end();
			stream.end();
		},
		"it is destroyed": ({ stream }) => stream.destroy(),
		"the socket is destroyed": (_pair, socket) => socket.destroy(),
	};
	for (const [how, end] of Object.entries(endings)) {
		let closed = 0;
		const sockets: Duplex[] = [];
		const pair = await upgradedPair((socket, head) => {
			sockets.push(socket);
			socket.once("close", () => (closed += 1));
			return clientStreamOf(socket, head);
		});
		expect(pair.stream, how).not.toBeInstanceOf(DuplexStream);
		expect(closed, how).toBe(0);
		for (const socket of sockets) end(pair, socket);
		await eventually(`both are told: ${how}`, () => closed > 0 && pair.events.includes("gone"));
		await promisify(setImmediate)();
		expect(closed, how).toBe(1);
		expect(
			sockets.map(({ destroyed }) => destroyed),
			how,
		).toEqual([true]);
	}
});

test("a connection from which somebody else has read stays with its net.Socket, and loses nothing", async () => {
	const { stream, events, client } = await upgradedPair((socket, head) => {
		socket.unshift(Buffer.from("early "));
		return clientStreamOf(socket, head);
	});
	expect(stream).toBeInstanceOf(DuplexStream);
	client.write("late");
	await eventually("all is read", () => events.join("|") === "read early late");
});

test("a connection with TLS stays with its streams", async () => {
	const { key, certificate } = makeCertificates();
	const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) });
	onTestFinished(() => void server.close());
	const made = new Promise<ClientStream>((resolve) => {
		server.on("upgrade", (_request, socket, head) => resolve(clientStreamOf(socket, head)));
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const client = connectTls({ port: (server.address() as AddressInfo).port, rejectUnauthorized: false });
	client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	const stream = await made;
	onTestFinished(() => stream.destroy());
	expect(stream).toBeInstanceOf(DuplexStream);
	stream.write(Buffer.from("hello"));
	const [first] = await once(client, "data");
	expect(String(first)).toBe("hello");
	client.destroy();
});
