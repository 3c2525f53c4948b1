import { expect, test } from "vitest";
import { type LimitEvent, LimitReports } from "../../extensions/limits/index.ts";
import { type NewcomerSocket, Newcomers } from "../../extensions/limits/newcomers.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const KiB = 1024;

class FakeSocket implements NewcomerSocket {
	isHeld = false;

	holdUnadmitted(isHeld: boolean): void {
		this.isHeld = isHeld;
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
	newcomer?.received(256 * KiB);
	expect(socket.isHeld).toBe(false);
	newcomer?.received(1);
	expect(socket.isHeld).toBe(true);
	newcomer?.refused(0);
	expect(socket.isHeld).toBe(false);
	newcomer?.received(256 * KiB + 1);
	expect(socket.isHeld).toBe(true);
	newcomer?.end();
	expect(socket.isHeld).toBe(false);
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
	expect(setUp(0).newcomers.add(new FakeSocket())).toBeUndefined();
});
