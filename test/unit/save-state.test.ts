import { describe, expect, test } from "vitest";
import {
	deriveSaveState,
	isAllAcknowledged,
	overdueInMs,
	patienceMs,
	type SaveFacts,
	saveStateText,
} from "../../demo-editor/src/save-state.ts";

const settled: SaveFacts = {
	connection: "open",
	synced: true,
	unacknowledged: 0,
	waitingSinceMs: undefined,
	pendingEdits: 0,
	keptEdits: 0,
	refused: false,
	rejected: false,
	mayWrite: true,
	unreachable: false,
};

function textOf(facts: Partial<SaveFacts>, nowMs = 1_000): string {
	return saveStateText(deriveSaveState({ ...settled, keptEdits: facts.pendingEdits ?? 0, ...facts }, nowMs));
}

describe("the demo's save state", () => {
	test("[DUR1] says Saved only when connected, synced, and nothing is unacknowledged", () => {
		for (const connection of ["opening", "open", "closed"] as const) {
			for (const synced of [true, false]) {
				for (const unacknowledged of [0, 1, 7]) {
					for (const pendingEdits of [0, 1, 7]) {
						for (const refused of [true, false]) {
							for (const waitingSinceMs of [undefined, 0, 900]) {
								const given = { connection, synced, unacknowledged, pendingEdits, refused, waitingSinceMs };
								const facts = { ...settled, ...given };
								const mayBeSaved = connection === "open" && synced && unacknowledged === 0;
								for (const unreachable of [true, false]) {
									expect(textOf({ ...facts, unreachable }) === "Saved", JSON.stringify(facts)).toBe(
										mayBeSaved,
									);
									expect(isAllAcknowledged({ ...facts, unreachable })).toBe(mayBeSaved);
								}
							}
						}
					}
				}
			}
		}
	});

	test("says Saving… while an edit waits for its acknowledgement", () => {
		expect(textOf({ unacknowledged: 1, pendingEdits: 1, waitingSinceMs: 900 })).toBe("Saving…");
		// After a reconnect, before the server's state is here.
		expect(textOf({ synced: false, unacknowledged: 1, pendingEdits: 3, waitingSinceMs: 900 })).toBe(
			"Saving…",
		);
	});

	test("says Connecting… when nothing was edited and the server has not answered yet", () => {
		expect(textOf({ connection: "opening", synced: false })).toBe("Connecting…");
		expect(textOf({ synced: false, unacknowledged: 1, waitingSinceMs: 900 })).toBe("Connecting…");
	});

	test("counts the edits that are kept while offline, also those of an earlier visit", () => {
		expect(textOf({ connection: "closed", synced: false })).toBe("Offline");
		expect(textOf({ connection: "closed", pendingEdits: 1 })).toBe("Offline, 1 edit kept on this device");
		expect(textOf({ connection: "closed", pendingEdits: 12 })).toBe("Offline, 12 edits kept on this device");
		// The browser has not written the others yet.
		expect(textOf({ connection: "closed", pendingEdits: 3, keptEdits: 1 })).toBe(
			"Offline, 1 edit kept on this device",
		);
		expect(textOf({ connection: "opening", synced: false, pendingEdits: 2 })).toBe(
			"Offline, 2 edits kept on this device",
		);
	});

	test("says offline, not Saving…, when the network is gone and the socket does not know yet", () => {
		const waiting = { unacknowledged: 2, pendingEdits: 2, waitingSinceMs: 900, unreachable: true };
		expect(textOf(waiting)).toBe("Offline, 2 edits kept on this device");
		expect(textOf(waiting, 1_000 + 2 * patienceMs)).toBe("Offline, 2 edits kept on this device");
		// What was acknowledged before is on disk all the same.
		expect(textOf({ unreachable: true })).toBe("Saved");
	});

	test("[DUR3] says that the server cannot save when acknowledgements stay out, or when it says so itself", () => {
		const waiting = { unacknowledged: 1, pendingEdits: 1, waitingSinceMs: 1_000 };
		expect(textOf(waiting, 1_000 + patienceMs - 1)).toBe("Saving…");
		expect(textOf(waiting, 1_000 + patienceMs)).toBe("Server cannot save now");
		expect(textOf({ ...waiting, refused: true })).toBe("Server cannot save now");
		expect(textOf({ connection: "closed", refused: true, pendingEdits: 5 })).toBe("Server cannot save now");
		// It recovers with the acknowledgement, whatever was said before.
		expect(textOf({ refused: true })).toBe("Saved");
	});

	test("tells edits that the server refuses from a server that can't save", () => {
		const waiting = { unacknowledged: 1, pendingEdits: 1, waitingSinceMs: 1_000, rejected: true };
		// Most gaps heal by themselves: it asks for what is missing.
		expect(textOf(waiting, 1_000 + patienceMs - 1)).toBe("Saving…");
		expect(textOf(waiting, 1_000 + patienceMs)).toBe("Last edits refused, kept on this device");
		expect(textOf({ ...waiting, refused: true }, 1_000 + patienceMs)).toBe("Server cannot save now");
		expect(textOf({ rejected: true })).toBe("Saved");
	});

	test("says Read only where nothing may be written, and what became of what was written all the same", () => {
		expect(textOf({ mayWrite: false })).toBe("Read only");
		const waiting = { mayWrite: false, unacknowledged: 1, pendingEdits: 1, waitingSinceMs: 1_000 };
		expect(textOf({ ...waiting, rejected: true }, 1_000 + patienceMs)).toBe(
			"Last edits refused, kept on this device",
		);
		expect(textOf({ mayWrite: false, connection: "closed", synced: false })).toBe("Offline");
	});

	test("tells when it will lose patience", () => {
		expect(overdueInMs({ ...settled, waitingSinceMs: 1_000 }, 1_500)).toBe(patienceMs - 500);
		expect(overdueInMs({ ...settled, waitingSinceMs: 1_000 }, 1_000 + 2 * patienceMs)).toBe(0);
		expect(overdueInMs(settled, 1_000)).toBeUndefined();
		expect(overdueInMs({ ...settled, connection: "closed", waitingSinceMs: 0 }, 1_000)).toBeUndefined();
	});
});
