import { expect, test } from "vitest";
import { CommitLog, type CommitLogOptions } from "../../extensions/durability/commit-log.ts";
import type { CommitLogEvent } from "../../extensions/durability/commit-log-event.ts";
import { DocumentDeletedError } from "../../extensions/durability/store.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { MemoryStore } from "../support/memory-store.ts";

const bytes = (...values: readonly number[]) => Uint8Array.from(values);

async function setUp(options: Partial<CommitLogOptions> = {}) {
	const store = new MemoryStore();
	await store.open();
	const clock = new ManualClock();
	const events: CommitLogEvent[] = [];
	const commitLog = new CommitLog({
		store,
		clock,
		backlogBytesMax: 1_000_000,
		commitIntervalMs: 0,
		onEvent: (event) => events.push(event),
		...options,
	});
	return {
		store,
		clock,
		commitLog,
		events,
		/** What happened, in short. */
		types: () => events.map(({ type }) => type),
		append(documentName: string, ...values: readonly number[]) {
			const log = commitLog.document(documentName);
			for (const value of values) commitLog.append(log, bytes(value));
		},
		/** The updates on disk, in their order. */
		onDisk: (documentName: string) =>
			store.disk.read(documentName).entries.flatMap(({ updates }) => updates.map(([value]) => value)),
	};
}

test("[DUR1] all that arrives while a commit runs goes into the next one, for all documents together", async () => {
	const { store, clock, commitLog, events, append, onDisk } = await setUp();
	store.hold();
	append("a", 1);
	await clock.pass(0);
	append("a", 2, 3);
	append("b", 4);
	await clock.pass(0);
	expect(store.held).toHaveLength(1);
	store.held[0]?.complete();
	await clock.pass(0);
	expect(store.held).toHaveLength(1);
	expect(store.held[0]?.documentNames).toEqual(["a", "b"]);
	store.held[0]?.complete();
	await clock.pass(0);
	expect(commitLog.totals).toMatchObject({ commits: 2, entries: 3, updates: 4 });
	expect(events.at(-1)).toMatchObject({ type: "committed", documents: 2, updates: 3 });
	expect([onDisk("a"), onDisk("b")]).toEqual([[1, 2, 3], [4]]);
});

test("[DUR1] whoever waits hears of it with the commit that holds what they wait for, and not before", async () => {
	const { store, clock, commitLog, append } = await setUp();
	store.hold();
	append("a", 1);
	await clock.pass(0);
	append("a", 2);
	let isDurable = false;
	const waiting = commitLog.durable("a").then(() => {
		isDurable = true;
	});
	store.held[0]?.complete();
	await clock.pass(0);
	expect(isDurable).toBe(false);
	store.held[0]?.complete();
	await waiting;
});

test("a writer that waits for each edit is never made to wait for more", async () => {
	const { clock, commitLog, append } = await setUp({ commitIntervalMs: 50 });
	for (let n = 1; n <= 20; n += 1) {
		append("a", n);
		await clock.pass(0);
		expect(commitLog.totals.commits).toBe(n);
	}
});

test("with a delay, what comes meanwhile goes into one commit, and nobody who awaits an edit waits for it", async () => {
	const { clock, commitLog, append, onDisk } = await setUp({ commitDelayMs: 200 });
	append("a", 1);
	await clock.pass(150);
	append("a", 2);
	append("b", 3);
	await clock.pass(49);
	expect(commitLog.totals.commits).toBe(0);
	await clock.pass(1);
	expect(commitLog.totals).toMatchObject({ commits: 1, updates: 3 });
	append("a", 4);
	await commitLog.durable("a");
	expect(onDisk("a")).toEqual([1, 2, 4]);
	await clock.pass(1_000);
	expect(commitLog.totals.commits).toBe(2);
});

test("commits are spaced out while more arrives than one takes, and no longer when it calms down", async () => {
	const { store, clock, commitLog, append } = await setUp({ commitIntervalMs: 50 });
	store.hold();
	for (let n = 0; n < 10; n += 1) {
		append("a", n);
		await clock.pass(50);
		append("b", n);
		store.held[0]?.complete();
		await clock.pass(0);
	}
	const busy = commitLog.totals.commits;
	store.release();
	await clock.pass(0);
	append("a", 1);
	await clock.pass(20);
	append("a", 2);
	await clock.pass(20);
	expect(commitLog.totals.commits - busy).toBeLessThanOrEqual(1);
	await clock.pass(50);
	for (let n = 0; n < 8; n += 1) {
		append("a", n);
		await clock.pass(50);
	}
	const calm = commitLog.totals.commits;
	append("a", 3);
	await clock.pass(0);
	expect(commitLog.totals.commits).toBe(calm + 1);
});

test("[DUR3] a failed commit is tried again in order, with growing pauses, and what came meanwhile stands behind it", async () => {
	const { store, clock, commitLog, types, events, append, onDisk } = await setUp();
	store.failAppends(3);
	append("a", 1);
	await clock.pass(0);
	append("a", 2);
	expect(commitLog.problems[0]).toContain("the store can't be written");
	const pauses: number[] = [];
	for (let attempt = 0; attempt < 3; attempt += 1) {
		const failed = events.at(-1);
		if (failed?.type !== "store-failed") throw new Error("it should have failed");
		pauses.push(failed.retryInMs);
		await clock.pass(failed.retryInMs - 1);
		expect(events.at(-1)).toBe(failed);
		await clock.pass(1);
	}
	expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
	expect(new Set(pauses).size).toBe(3);
	expect(types()).toEqual(["store-failed", "store-failed", "store-failed", "store-recovered", "committed"]);
	expect(onDisk("a")).toEqual([1, 2]);
	expect(commitLog.problems).toEqual([]);
});

test("[DUR3] one document that can't be written does not hold up the others", async () => {
	const { store, clock, commitLog, types, append, onDisk } = await setUp();
	store.failDocument("a");
	append("a", 1);
	append("b", 2);
	await clock.pass(0);
	append("b", 3);
	await clock.pass(0);
	expect(onDisk("b")).toEqual([2, 3]);
	expect(commitLog.isStuck("a")).toBe(true);
	expect(commitLog.isStuck("b")).toBe(false);
	append("a", 4);
	store.healDocument("a");
	await clock.pass(60_000);
	expect(onDisk("a")).toEqual([1, 4]);
	expect(types()).toContain("document-recovered");
});

test("[DUR3] the backlog has a bound, and takes more when half of it is written", async () => {
	const { store, clock, commitLog, types, append } = await setUp({
		backlogBytesMax: 1_000,
		commitBytesMax: 1,
	});
	store.hold();
	append("a", ...Array.from({ length: 12 }, (_, index) => index));
	expect(commitLog.accepting).toBe(false);
	expect(commitLog.problems.join()).toContain("backlog is full");
	for (let written = 0; written < 12; written += 1) {
		await clock.pass(0);
		const isBelowHalf = commitLog.backlogBytes <= 500;
		expect(commitLog.accepting).toBe(isBelowHalf);
		store.held[0]?.complete();
	}
	await clock.pass(0);
	expect(commitLog.backlogBytes).toBe(0);
	expect(types().filter((type) => type.startsWith("backlog"))).toEqual(["backlog-full", "backlog-relieved"]);
});

test("closing tells whoever waits that it is not known, and how many updates were not written", async () => {
	const { store, clock, commitLog, append } = await setUp();
	store.hold();
	append("a", 1, 2);
	await clock.pass(0);
	append("b", 3);
	const waiting = commitLog.durable("a");
	expect(commitLog.close()).toBe(3);
	await expect(waiting).rejects.toThrow("before the edit was durable");
	await commitLog.flush();
});

test("[DUR1] when the store has lost entries, what is in memory is stored anew before anybody is told", async () => {
	const { store, clock, commitLog, append, onDisk, types } = await setUp({
		onLost: (documentName) => (documentName === "a" ? bytes(123) : undefined),
	});
	append("a", 1);
	await clock.pass(0);
	append("a", 2, 3);
	append("b", 7);
	await clock.pass(0);
	store.disk.forget("a", 2);
	store.hold();
	append("a", 4, 5);
	let told = false;
	const durable = commitLog.durable("a").then(() => (told = true));
	await clock.pass(0);
	store.held[0]?.complete();
	await clock.pass(0);
	expect(types()).toContain("entries-lost");
	expect(told).toBe(false);
	store.held[0]?.complete();
	await durable;
	// The whole stands for the first of those that were to be written.
	expect(onDisk("a")).toEqual([4, 5, 123, 5]);
	append("a", 6);
	await clock.pass(0);
	store.held[0]?.complete();
	await commitLog.durable("a");
	expect(onDisk("a")).toEqual([4, 5, 123, 5, 6]);
	expect(types().filter((type) => type === "entries-lost")).toHaveLength(1);
});

test("[DUR1] what another node has appended meanwhile, and was read first, is no sign of a loss", async () => {
	const { store, clock, commitLog, append, types } = await setUp({ onLost: () => bytes(123) });
	store.hold();
	append("a", 1);
	await clock.pass(0);
	store.held[0]?.perform();
	commitLog.document("a").position = store.disk.append("a", [bytes(2)]);
	store.held[0]?.complete();
	await commitLog.durable("a");
	expect(types()).not.toContain("entries-lost");
	expect(commitLog.document("a").position).toBe(2);
});

test("[DUR7] whoever waits for a document that was deleted is told so, nobody else waits for it, and another one of its name begins anew", async () => {
	const { store, clock, commitLog, append, onDisk } = await setUp();
	const deleted: string[] = [];
	const refusing = await setUp({ onDeleted: ({ documentName }) => deleted.push(documentName) });
	for (const value of [1, 2]) refusing.append("a", value);
	refusing.store.disk.delete("a", true);
	const waiting = expect(refusing.commitLog.durable("a")).rejects.toThrow(DocumentDeletedError);
	refusing.append("b", 3);
	await refusing.clock.pass(0);
	await waiting;
	expect(deleted).toEqual(["a"]);
	expect(refusing.onDisk("b")).toEqual([3]);
	expect(refusing.commitLog).toMatchObject({ backlogBytes: 0, backlogUpdates: 0, problems: [] });

	// While it alone can't be written, and while it is being written.
	store.failDocument("a");
	append("a", 1);
	await clock.pass(0);
	expect(commitLog.failedDocuments).toBe(1);
	store.healDocument("a");
	const old = commitLog.document("a");
	commitLog.discard(old);
	expect(commitLog).toMatchObject({ failedDocuments: 0, backlogBytes: 0, backlogUpdates: 0 });
	store.hold();
	append("c", 5);
	await clock.pass(0);
	append("c", 6);
	const told: string[] = [];
	const writing = commitLog.document("c");
	writing.listen({ durable: () => told.push("durable"), abandoned: () => told.push("abandoned") });
	commitLog.discard(writing);
	store.release();
	await clock.pass(60_000);
	commitLog.append(writing, bytes(7));
	writing.listen({ durable: () => told.push("durable"), abandoned: () => told.push("abandoned") });
	expect(told).toEqual(["abandoned", "abandoned"]);
	commitLog.append(old, bytes(8));
	append("a", 9);
	await clock.pass(0);
	expect([onDisk("a"), onDisk("c")]).toEqual([[9], [5]]);
	expect(commitLog).toMatchObject({ backlogBytes: 0, backlogUpdates: 0, problems: [] });
});

test("[DUR7] what was deleted while the store failed is not tried again", async () => {
	const { store, clock, commitLog, append, onDisk } = await setUp();
	store.failAppends(1);
	append("a", 1);
	append("b", 2);
	await clock.pass(0);
	commitLog.discard(commitLog.document("a"));
	await clock.pass(60_000);
	expect([onDisk("a"), onDisk("b")]).toEqual([[], [2]]);
	expect(commitLog).toMatchObject({ backlogBytes: 0, backlogUpdates: 0, problems: [] });
});
