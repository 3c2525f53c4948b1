import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Circle, NodeCircle } from "../../server/admin/node-circle.ts";
import { NodeWatch } from "../../server/admin/node-watch.ts";
import type { Question } from "../../server/admin/questions.ts";
import { sampleFields } from "../../server/admin/sample-fields.ts";
import { SampleRing } from "../../server/admin/sample-ring.ts";
import { Sampler } from "../../server/admin/sampler.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What nodes that hear each other say, each to all others. */
class Room {
	readonly names: string[] = [];
	/** Nobody hears what these say. */
	readonly muted = new Set<string>();
	readonly #received = new Map<string, (payload: string) => void>();

	/** One that takes no part: it has no admin token. */
	stranger(name: string): void {
		this.names.push(name);
	}

	node(name: string, answer: (question: Question) => Promise<unknown> = async () => []): NodeCircle {
		this.names.push(name);
		const { names } = this;
		const circle: Circle = {
			identifier: name,
			get nodes() {
				return names.filter((other) => other !== name);
			},
			join: (_topic, received) => {
				this.#received.set(name, received);
				return (payload) => {
					if (this.muted.has(name)) return;
					for (const [other, take] of this.#received) if (other !== name) take(payload);
				};
			},
		};
		return new NodeCircle({ circle, answer });
	}
}

const question = { type: "slow-readers", limit: 1 } as const;
const deadlineMs = 1_000;

/** @returns Who has answered, and whether the deadline had to come for that. */
async function round(circle: NodeCircle, to: "all" | { readonly node: string } = "all") {
	const startMs = Date.now();
	const asked = circle.ask(question, { to, deadlineMs });
	let isOver = false;
	void asked.then(() => {
		isOver = true;
	});
	for (let turn = 0; turn < 20 && !isOver; turn += 1) await Promise.resolve();
	if (!isOver) await vi.advanceTimersByTimeAsync(deadlineMs);
	const nodes = (await asked).map(({ node }) => node);
	return { nodes, waitedMs: Date.now() - startMs };
}

test("whoever never answers is waited for a few times, and not for ever", async () => {
	const room = new Room();
	const here = room.node("here");
	room.node("there");
	room.stranger("without a token");
	expect(await round(here)).toEqual({ nodes: ["here", "there"], waitedMs: deadlineMs });
	for (let more = 0; more < 5; more += 1) await round(here);
	expect(await round(here)).toEqual({ nodes: ["here", "there"], waitedMs: 0 });
	// Whoever is asked alone is waited for.
	expect(await round(here, { node: "without a token" })).toEqual({ nodes: [], waitedMs: deadlineMs });
});

test("whoever answers again is waited for again", async () => {
	const room = new Room();
	const here = room.node("here");
	room.node("there");
	room.muted.add("there");
	for (let more = 0; more < 6; more += 1) await round(here);
	expect(await round(here)).toEqual({ nodes: ["here"], waitedMs: 0 });
	room.muted.delete("there");
	await round(here);
	expect(await round(here)).toEqual({ nodes: ["here", "there"], waitedMs: 0 });
	room.muted.add("there");
	expect((await round(here)).waitedMs).toBe(deadlineMs);
});

const reading = { connections: 0, documents: 0, edits: 0, deliveries: 0, backlogBytes: 0 };
const nothing = { boundsMs: [], counts: [0] };

test("a clock that is set back stops no plot", () => {
	vi.setSystemTime(5_000_000);
	const sampler = new Sampler(() => ({ ...reading, saved: nothing, sent: nothing }));
	vi.advanceTimersByTime(3_000);
	const seconds = () => sampler.after(0).map(([atS]) => atS);
	expect(seconds()).toEqual([5_001, 5_002, 5_003]);
	vi.setSystemTime(1_000_000);
	vi.advanceTimersByTime(2_000);
	expect(seconds()).toEqual([5_001, 5_002, 5_003, 5_004, 5_005]);
	vi.setSystemTime(5_100_000);
	vi.advanceTimersByTime(1_000);
	expect(seconds().at(-1)).toBe(5_101);
	sampler.close();
});

const overview = {
	...{ id: "there", host: "host", processId: 1, version: "0", startedMs: 0, phase: "serving", ready: true },
	...{ reasons: [], degraded: [], connections: 0, connectionsMax: 1, documents: 0, backlogUpdates: 0 },
	...{ backlogBytes: 0, backlogBytesMax: 1, slowReadersTotal: 0, store: "" },
};

test.for([0, 2, -2, 45, -3_600])(
	"the seconds of a node whose clock is %d s off are those of this one",
	async (offS) => {
		const room = new Room();
		const nowS = () => Math.floor(Date.now() / 1_000);
		const pulse = (ring: SampleRing) => async (question: Question) => {
			const afterS = question.type === "pulse" ? (question.after.there ?? 0) : 0;
			asked.push(afterS);
			return { overview, samples: ring.after(afterS) };
		};
		const asked: number[] = [];
		const theirs = new SampleRing(300);
		const second = (atS: number) => sampleFields.map((field) => (field === "atS" ? atS : 1));
		const here = room.node("here", async () => ({ overview, samples: [] }));
		room.node("there", pulse(theirs));
		vi.setSystemTime(9_000_000_000);
		const watch = new NodeWatch(here);
		const stop = watch.start();
		for (let passed = 0; passed < 20; passed += 1) {
			theirs.add(second(nowS() + offS));
			await vi.advanceTimersByTimeAsync(1_000);
		}
		const [, there] = await watch.views({});
		const seconds = there?.samples.map(([atS]) => atS ?? 0) ?? [];
		expect(seconds.length).toBeGreaterThanOrEqual(18);
		expect(new Set(seconds).size).toBe(seconds.length);
		expect(Math.abs((seconds.at(-1) ?? 0) - nowS())).toBeLessThanOrEqual(4);
		// It is asked by its own clock, and tells everything once.
		expect(asked.at(-1)).toBeGreaterThan(nowS() + offS - 6);
		stop();
	},
);
