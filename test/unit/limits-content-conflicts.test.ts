import type { Connection } from "@hocuspocus/server";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { ConflictEfforts } from "../../extensions/limits/content/conflict-effort.ts";
import { prospectOf } from "../../extensions/limits/content/dependencies.ts";
import { Later } from "../../extensions/limits/content/later.ts";
import { Waiting } from "../../extensions/limits/content/waiting.ts";
import { content, rawUpdate } from "../support/fuzz/raw-update.ts";
import { ManualClock } from "../support/manual-clock.ts";

test("[TRN5] what a document has spent comes back by and by, also when it was opened anew", () => {
	let nowMs = 0;
	const efforts = new ConflictEfforts(3_000, () => nowMs);
	efforts.of("a")?.pay(3_000);
	expect(efforts.of("a")?.left()).toBe(0);
	expect(efforts.of("b")?.left()).toBe(3_000);
	nowMs = 10_000;
	expect(efforts.of("a")?.left()).toBeCloseTo(1_000);
	nowMs = 60_000;
	expect(efforts.of("a")?.left()).toBe(3_000);
});

test("[TRN5] thousands of documents have no more than twice what one has", () => {
	const efforts = new ConflictEfforts(3_000, () => 0);
	let paid = 0;
	for (let name = 0; name < 30_000; name += 1) {
		const effort = efforts.of(`document ${name}`);
		const items = effort?.left() ?? 0;
		effort?.pay(items);
		paid += items;
	}
	expect(paid).toBe(6_000);
	expect(new ConflictEfforts(Number.POSITIVE_INFINITY, () => 0).of("any")).toBeUndefined();
});

test("whom something was refused is asked when there is room, some at a time, and not after leaving", async () => {
	const clock = new ManualClock();
	const asked: Connection[] = [];
	let hasRoom = false;
	const later = new Later(
		clock,
		() => hasRoom,
		(connection) => asked.push(connection),
	);
	const leave = new Map<Connection, () => void>();
	const clients = Array.from({ length: 20 }, () => {
		const connection = {
			onClose: (listener: () => void) => leave.set(connection, listener),
		} as unknown as Connection;
		return connection;
	});
	for (const client of [...clients, ...clients]) later.add(client);
	const [first] = clients;
	if (first !== undefined) leave.get(first)?.();
	await clock.pass(20_000);
	expect(asked).toEqual([]);
	hasRoom = true;
	await clock.pass(5_000);
	expect(asked).toEqual(clients.slice(1, 17));
	await clock.pass(5_000);
	expect(asked).toEqual(clients.slice(1));
});

test("[TRN5] ranges that are all the same are looked at once", () => {
	const document = new Y.Doc();
	const count = 1_000;
	// In two types by turns, so that Yjs does not put them together.
	const structs = Array.from({ length: count }, (_, at) => ({
		content: content.string("a"),
		parent: `${at % 2}`,
	}));
	const all = [0, count] as const;
	const deletes = (ranges: readonly (typeof all)[]) => [{ client: 5, ranges }];
	Y.applyUpdate(document, rawUpdate([{ client: 5, clock: 0, structs }], deletes([all])));
	let looks = 0;
	for (const struct of document.store.clients.get(5) ?? [])
		Object.defineProperty(struct, "deleted", {
			get() {
				looks += 1;
				return true;
			},
		});
	const forged = rawUpdate([], deletes(new Array(500).fill(all)));
	expect(prospectOf(document, forged, new Waiting(document))).toBe("known");
	expect(looks).toBe(count);
});
