import type { Connection } from "@hocuspocus/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { stampPresence } from "../../extensions/auth/presence.ts";
import { Seats } from "../../extensions/auth/seats.ts";
import type { Grant } from "../../extensions/auth/verdict.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function seat(expiresInMs: number) {
	const calls: string[] = [];
	const grant = (inMs: number): Grant => ({
		access: { level: "write" },
		identity: { id: "ann", name: undefined },
		expiresAtMs: Date.now() + inMs,
		issuedAtMs: undefined,
	});
	const connection = {
		document: { name: "doc" },
		messageAddress: "doc",
		readOnly: false,
		webSocket: { readyState: 1, close: (code: number) => calls.push(`socket ${code}`) },
		onClose: () => {},
		close: () => calls.push("closed"),
		send: () => calls.push("told"),
		requestToken: () => calls.push("asked"),
	} as unknown as Connection;
	const seats = new Seats({
		askAheadMs: 30_000,
		expiryAction: "close",
		onExpired: () => calls.push("expired"),
	});
	const added = seats.add(connection, grant(expiresInMs));
	return { calls, seats, added, grant };
}

test("a token is asked for before it expires, then every five seconds, and at the end the connection is ended", () => {
	const { calls } = seat(60_000);
	vi.advanceTimersByTime(29_000);
	expect(calls).toEqual([]);
	vi.advanceTimersByTime(2_000);
	expect(calls).toEqual(["asked"]);
	vi.advanceTimersByTime(12_000);
	expect(calls).toEqual(["asked", "asked", "asked"]);
	vi.advanceTimersByTime(30_000);
	expect(calls.slice(-3)).toEqual(["expired", "closed", "socket 4401"]);
	expect(calls.filter((call) => call === "asked").length).toBeLessThanOrEqual(6);
});

test("the same token again, from a client that has no other, is not asked for without end", () => {
	const { calls, seats, added } = seat(20_000);
	for (let tick = 0; tick < 19; tick += 1) {
		vi.advanceTimersByTime(1_000);
		// What it answers.
		if (added.grant !== undefined) seats.renew(added, added.grant);
	}
	expect(calls.filter((call) => call === "asked").length).toBeLessThanOrEqual(4);
	vi.advanceTimersByTime(3_000);
	expect(calls).toContain("expired");
});

test("a new token puts the end off, and one timer is enough for all", () => {
	const { calls, seats, added, grant } = seat(40_000);
	vi.advanceTimersByTime(12_000);
	expect(calls).toEqual(["asked"]);
	seats.renew(added, grant(3_600_000));
	vi.advanceTimersByTime(3_000_000);
	expect(calls).toEqual(["asked"]);
	expect(vi.getTimerCount()).toBe(1);
	seats.close();
	expect(vi.getTimerCount()).toBe(0);
});

function stampedStates(state: object | null, identity: Grant["identity"], maySpeak = () => true): unknown {
	const document = new Y.Doc();
	const awareness = new Awareness(document);
	awareness.setLocalState(state as Record<string, unknown> | null);
	const update = stampPresence(encodeAwarenessUpdate(awareness, [document.clientID]), identity, maySpeak);
	if (update === undefined) return "nothing";
	const other = new Awareness(new Y.Doc());
	applyAwarenessUpdate(other, update, null);
	const result = other.getStates().get(document.clientID);
	awareness.destroy();
	other.destroy();
	return result;
}

test("a stamp says who it is, and leaves alone what is not about that", () => {
	const ann = { id: "u-ann", name: "Ann" };
	const nobody = { id: undefined, name: undefined };
	const lie = { user: { id: "boss", name: "Boss", color: "red" }, cursor: 1 };
	expect(stampedStates(lie, ann)).toEqual({ user: { ...ann, color: "red" }, cursor: 1 });
	expect(stampedStates({ cursor: 1 }, ann)).toEqual({ user: ann, cursor: 1 });
	expect(stampedStates({ user: "Boss" }, ann)).toEqual({ user: ann });
	expect(stampedStates(lie, nobody)).toEqual({ user: { name: "Boss", color: "red" }, cursor: 1 });
	expect(stampedStates({ cursor: 1 }, nobody)).toEqual({ cursor: 1 });
	expect(stampedStates(lie, { id: "u-ann", name: undefined })).toEqual({
		user: { id: "u-ann", name: "Boss", color: "red" },
		cursor: 1,
	});
	expect(stampedStates(lie, ann, () => false)).toBe("nothing");
	expect(stampedStates(null, ann)).toBeUndefined();
});
