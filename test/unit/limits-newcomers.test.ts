import { expect, test } from "vitest";
import { type LimitEvent, LimitReports } from "../../extensions/limits/index.ts";
import { type NewcomerSocket, Newcomers } from "../../extensions/limits/newcomers.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const KiB = 1024;

class FakeSocket implements NewcomerSocket {
	readonly listeners = new Set<(chunk: Uint8Array) => void>();
	isHeld = false;

	onBytes(listener: (chunk: Uint8Array) => void): void {
		this.listeners.add(listener);
	}

	offBytes(listener: (chunk: Uint8Array) => void): void {
		this.listeners.delete(listener);
	}

	holdUnadmitted(isHeld: boolean): void {
		this.isHeld = isHeld;
	}

	receive(bytes: number): void {
		for (const listener of this.listeners) listener(new Uint8Array(bytes));
	}
}

function setUp(bytesMax = 256 * KiB) {
	const events: LimitEvent[] = [];
	const reports = new LimitReports({ logger: quiet, onEvent: (event) => events.push(event) });
	return { newcomers: new Newcomers({ bytesMax, reports }), events };
}

test("[TRN5] a newcomer is read up to the bound, on after each refusal, and freely when it was let in", () => {
	const { newcomers, events } = setUp();
	const socket = new FakeSocket();
	const newcomer = newcomers.add(socket);
	socket.receive(256 * KiB);
	expect(socket.isHeld).toBe(false);
	socket.receive(1);
	expect(socket.isHeld).toBe(true);
	newcomer?.refused();
	expect(socket.isHeld).toBe(false);
	socket.receive(256 * KiB + 1);
	expect(socket.isHeld).toBe(true);
	newcomer?.end();
	expect(socket.isHeld).toBe(false);
	expect(socket.listeners.size).toBe(0);
	expect(events.length).toBe(2);
});

test("[TRN5] ten thousand newcomers get less each, and what they need to be let in", () => {
	const { newcomers } = setUp();
	const all = Array.from({ length: 10_000 }, () => newcomers.add(new FakeSocket()));
	expect(newcomers.bytesMax * all.length).toBeLessThanOrEqual(256 * KiB * KiB);
	expect(newcomers.bytesMax).toBeGreaterThan(16 * KiB);
	for (const newcomer of all.slice(100)) newcomer?.end();
	expect(newcomers.bytesMax).toBe(256 * KiB);
});

test("a bound of 0 is none", () => {
	const socket = new FakeSocket();
	expect(setUp(0).newcomers.add(socket)).toBeUndefined();
	expect(socket.listeners.size).toBe(0);
});
