import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Circle, NodeCircle } from "../../server/admin/node-circle.ts";
import type { Question } from "../../server/admin/questions.ts";

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

	node(name: string): NodeCircle {
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
		return new NodeCircle({ circle, answer: async (_question: Question) => [] });
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
