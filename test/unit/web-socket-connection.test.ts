import { once } from "node:events";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { DuplexStream } from "../../server/transport/duplex-stream.ts";
import { WebSocketConnection, type WebSocketHandlers } from "../../server/transport/web-socket-connection.ts";
import { clientFrame } from "../support/client-frames.ts";

const opcodes = { binary: 2, close: 8, ping: 9 };

/** The other side's end is the test: what it says is pushed, what it is told is noted. */
class Wire extends Duplex {
	readonly written: Buffer[] = [];
	readonly #takes: boolean;

	/** @param takes Whether what is written ever leaves. */
	constructor(takes = true) {
		super({ allowHalfOpen: true });
		this.#takes = takes;
	}

	override _read(): void {}

	override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
		this.written.push(chunk);
		if (this.#takes) done();
	}
}

function open(wire: Wire, closeTimeoutMs = 60_000) {
	const stream = new DuplexStream(wire, Buffer.alloc(0));
	const connection = new WebSocketConnection(stream, { frameBytesMax: 1_000, closeTimeoutMs });
	const events: string[] = [];
	const handlers: WebSocketHandlers = {
		arrived() {},
		received: (message) => events.push(`received ${message}`),
		signOfLife: () => events.push("alive"),
		violated: ({ code }) => events.push(`violated ${code}`),
		closed: (code) => events.push(`closed ${code}`),
	};
	connection.handlers = handlers;
	return { connection, events };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("[TRN5] pings of a client that reads nothing are not answered for ever", async () => {
	const wire = new Wire(false);
	const { events } = open(wire);
	const ping = clientFrame({ opcode: opcodes.ping, payload: new Uint8Array(125) });
	for (let sent = 0; sent < 10_000; sent += 1) wire.push(ping);
	await nextTurn();
	expect(events.filter((event) => event === "alive")).toHaveLength(10_000);
	expect(wire.writableLength).toBeLessThan(17_000);
});

test("a client that does not answer that the connection is closed is cut off", async () => {
	const wire = new Wire();
	const { connection, events } = open(wire, 5);
	connection.close(1012, "service-restart");
	await once(wire, "close");
	expect(events).toEqual(["closed 1006"]);
	expect(connection.readyState).toBe(3);
});

test("messages that were on their way when the connection was closed are read up to the client's answer", async () => {
	const wire = new Wire();
	const { connection, events } = open(wire);
	connection.close(1000);
	const message = clientFrame({ opcode: opcodes.binary, payload: Buffer.from("late") });
	const answer = clientFrame({ opcode: opcodes.close, payload: Buffer.of(3, 232) });
	wire.push(Buffer.concat([message, answer, message]));
	await nextTurn();
	expect(wire.writableEnded).toBe(true);
	wire.push(null);
	await once(wire, "close");
	// Whoever gets it looks at whether the connection is still open.
	expect(events).toEqual(["received late", "closed 1000"]);
	expect(wire.written).toHaveLength(1);
});

test("nothing is sent after the close frame", () => {
	const wire = new Wire();
	const { connection } = open(wire);
	connection.close(4000, "first");
	connection.close(4001, "second");
	connection.send(Buffer.from("late"));
	connection.sendFramed(Buffer.from("late"));
	connection.sendPing();
	expect(wire.written.map((frame) => frame.toString("latin1"))).toEqual(["\x88\x07\x0f\xa0first"]);
});

test("a reason that is too long is cut between two characters, and a code that may not be sent is not", () => {
	const wire = new Wire();
	open(wire).connection.close(4000, `${"a".repeat(122)}ü and more`);
	expect(wire.written[0]).toHaveLength(2 + 2 + 122);
	for (const code of [0, 1006, 5_000, 70_000, Number.NaN]) {
		const other = new Wire();
		open(other).connection.close(code);
		expect(other.written[0]).toEqual(Buffer.of(0x88, 2, 0x03, 0xf3));
	}
});

test("a connection that is reset ends as one without a closing handshake", async () => {
	const wire = new Wire();
	const { events } = open(wire);
	wire.destroy(new Error("reset"));
	await nextTurn();
	expect(events).toEqual(["closed 1006"]);
});

test("of messages of any length the client gets the length", () => {
	for (const bytes of [0, 125, 126, 65_535, 65_536]) {
		const wire = new Wire();
		open(wire).connection.send(new Uint8Array(bytes));
		const [frame = Buffer.alloc(0)] = wire.written;
		const header = frame.subarray(0, frame.byteLength - bytes);
		expect(header[0]).toBe(0x82);
		const short = header[1] ?? 0;
		const length = {
			2: () => short,
			4: () => header.readUInt16BE(2),
			10: () => Number(header.readBigUInt64BE(2)),
		};
		expect(length[header.byteLength as 2 | 4 | 10]()).toBe(bytes);
	}
});
