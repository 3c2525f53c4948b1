import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type LimitEvent, LimitReports, Limits } from "../../extensions/limits/index.ts";
import { RateMeter } from "../../extensions/limits/rate-meter.ts";
import { isWorthCharging, type MeteredUser, type Sender, Traffic } from "../../extensions/limits/traffic.ts";
import { TrafficMeter, type TrafficRates } from "../../extensions/limits/traffic-meter.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const rates: TrafficRates = {
	messages: { perSecond: 100, burst: 1_000 },
	bytes: { perSecond: 1_000, burst: 10_000 },
};
const userRates: TrafficRates = {
	messages: { perSecond: 200, burst: 2_000 },
	bytes: { perSecond: 0, burst: 0 },
};

class FakeSender implements Sender {
	meter: Sender["meter"];
	user: Sender["user"];
	readonly log: string[] = [];

	pauseReading(): void {
		this.log.push("pause");
	}

	resumeReading(): void {
		this.log.push("resume");
	}

	endForRate(): void {
		this.log.push("end");
	}
}

function setUp() {
	const events: LimitEvent[] = [];
	const reports = new LimitReports({ logger: quiet, onEvent: (event) => events.push(event) });
	const traffic = new Traffic({ connection: rates, user: userRates, patienceMs: 30_000, reports });
	return { traffic, events, sender: new FakeSender() };
}

beforeEach(() => {
	vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
	vi.useRealTimers();
});

test("a rate lets a burst through, then as much as it says, and is full again after a while", () => {
	const meter = new RateMeter();
	const rate = { perSecond: 10, burst: 100 };
	meter.charge(100, rate, 5_000);
	expect(meter.overdrawnMs(rate, 5_000)).toBe(0);
	meter.charge(1, rate, 5_000);
	expect(meter.overdrawnMs(rate, 5_000)).toBe(100);
	expect(meter.overdrawnMs(rate, 5_100)).toBe(0);
	expect(meter.isHalfFull(rate, 5_100)).toBe(false);
	expect(meter.isHalfFull(rate, 10_101)).toBe(true);
	meter.charge(100, rate, 1_000_000);
	expect(meter.overdrawnMs(rate, 1_000_000)).toBe(0);
});

test("a rate of 0 is none", () => {
	const meter = new RateMeter();
	meter.charge(1e12, { perSecond: 0, burst: 0 }, 0);
	expect(meter.overdrawnMs({ perSecond: 0, burst: 0 }, 0)).toBe(0);
	expect(meter.isHalfFull({ perSecond: 0, burst: 0 }, 0)).toBe(true);
});

test("how long somebody was slowed counts from the first time, until there was a break", () => {
	const meter = new TrafficMeter();
	expect(meter.charge(1_100, 0, rates, 0)).toBeGreaterThan(0);
	expect(meter.slowed(0)).toBe(0);
	expect(meter.charge(200, 0, rates, 2_000)).toBeGreaterThan(0);
	expect(meter.slowed(2_000)).toBe(2_000);
	meter.charge(1, 0, rates, 10_000);
	expect(meter.slowed(10_000)).toBe(0);
});

test("[TRN5] whoever sends too much is read again when it was long enough, and nobody else is slowed", () => {
	const { traffic, events, sender } = setUp();
	const other = new FakeSender();
	traffic.charge(sender, 1_050, 0);
	traffic.charge(other, 64, 0);
	expect(sender.log).toEqual(["pause"]);
	vi.advanceTimersByTime(400);
	expect(sender.log).toEqual(["pause"]);
	vi.advanceTimersByTime(200);
	expect(sender.log).toEqual(["pause", "resume"]);
	expect(other.log).toEqual([]);
	expect(events).toEqual([{ type: "slowed", limit: "connection-rate" }]);
	expect(vi.getTimerCount()).toBe(0);
});

test("[TRN5] whoever goes on for too long after being slowed is sent away", () => {
	const { traffic, events, sender } = setUp();
	traffic.charge(sender, 1_000, 0);
	traffic.charge(sender, 0, 10_000);
	for (let second = 0; second < 40 && !sender.log.includes("end"); second += 1) {
		traffic.charge(sender, 0, 1_200);
		vi.advanceTimersByTime(1_000);
	}
	expect(sender.log.at(-1)).toBe("end");
	expect(events.at(-1)).toEqual({ type: "closed", limit: "connection-rate" });
	traffic.forget(sender);
	expect(vi.getTimerCount()).toBe(0);
});

test("a patience of 0 is none that ends: whoever sends too much is slowed for as long as it does", () => {
	const { traffic } = new Limits({ messagesPerSecondMax: 100, slowedMsMax: 0, logger: quiet });
	const sender = new FakeSender();
	for (let minute = 0; minute < 60; minute += 1) {
		traffic.charge(sender, 6_500, 0);
		vi.advanceTimersByTime(60_000);
	}
	expect(sender.log).toContain("pause");
	expect(sender.log).not.toContain("end");
	traffic.forget(sender);
});

test("[TRN5] the connections of one user have one limit together", () => {
	const { traffic, events } = setUp();
	const user: MeteredUser = { meter: undefined };
	const senders = [new FakeSender(), new FakeSender(), new FakeSender()];
	for (const sender of senders) sender.user = user;
	for (const sender of senders) traffic.charge(sender, 900, 0);
	expect(senders.map(({ log }) => log)).toEqual([[], [], ["pause"]]);
	expect(events).toEqual([{ type: "slowed", limit: "user-rate" }]);
	vi.advanceTimersByTime(4_000);
	expect(senders.map(({ log }) => log)).toEqual([[], [], ["pause", "resume"]]);
});

test("what a person does in a second is not looked at", () => {
	expect(isWorthCharging(20, 4_000)).toBe(false);
	expect(isWorthCharging(64, 0)).toBe(true);
	expect(isWorthCharging(1, 65_536)).toBe(true);
});

test("the log has a line now and then, and the metric every event", () => {
	const lines: object[] = [];
	const events: LimitEvent[] = [];
	let nowMs = 0;
	const logger = { ...quiet, info: (fields: object) => lines.push(fields) };
	const reports = new LimitReports({ logger, onEvent: (event) => events.push(event), now: () => nowMs });
	for (let count = 0; count < 1_000; count += 1) {
		reports.report({ type: "slowed", limit: "user-rate" });
		nowMs += 100;
	}
	expect(events.length).toBe(1_000);
	expect(lines).toEqual([
		{ limit: "user-rate", type: "slowed", sinceLastLine: 0 },
		{ limit: "user-rate", type: "slowed", sinceLastLine: 599 },
	]);
});
