import { expect, test } from "vitest";
import * as Y from "yjs";
import { conflicts } from "../support/conflicts.ts";
import { eventually } from "../support/eventually.ts";
import { sendUpdate } from "../support/forged-updates.ts";
import { limitedNode } from "../support/limited-node.ts";

test("[TRN5] an update that would keep the event loop for minutes is given up; the others come back to what is stored and go on", async () => {
	const node = await limitedNode({ updateMsMax: 300 });
	const [attacker, other, elsewhere] = [node.client("doc"), node.client("doc"), node.client("elsewhere")];
	await Promise.all([attacker.synced(), other.type("before ").saved(), elsewhere.type("a").saved()]);
	sendUpdate(attacker, conflicts(30_000));
	await eventually("to be closed", () => attacker.closes.length > 0, 60_000);
	expect(attacker.closes[0]).toEqual({ code: 4413, reason: "update-too-big" });
	expect(node.count("closed", "update-time")).toBe(1);
	await eventually("the other to be back", () => other.closes.length === 1 && other.provider.isSynced);
	expect(other.closes[0]).toEqual({ code: 4205, reason: "document-unloaded" });
	await other.type("after").saved();
	await eventually("everybody to be in step", () => attacker.text.toString() === "before after");
	await elsewhere.type("b").saved();
	expect(elsewhere.closes).toEqual([]);
	const [one, two] = [attacker, other].map(({ document }) => document.getText("conflicts"));
	await eventually("the same of what was forged", () => one?.toString() === two?.toString());
});

test("[TRN5] whoever comes back with what took too long is refused it: the others are sent away once, not again and again", async () => {
	const node = await limitedNode({ updateMsMax: 20 });
	const document = new Y.Doc();
	Y.applyUpdate(document, conflicts(5_000));
	const other = await node.client("doc").synced();
	await other.type("before ").saved();
	const bringer = node.client("doc", { document });
	await eventually("it to be refused", () => node.count("refused", "update-time") > 0, 60_000);
	await eventually("both to be back", () => other.provider.isSynced && bringer.provider.isSynced);
	await other.type("after").saved();
	await eventually("the bringer to see it", () => bringer.text.toString() === "before after");
	expect(node.count("closed", "update-time")).toBe(1);
	expect(other.closes.length).toBe(1);
	expect(bringer.provider.hasUnsyncedChanges).toBe(true);
	const closes = bringer.closes.length;
	bringer.text.insert(0, "more ");
	await other.type("!").saved();
	await eventually("the bringer to go on reading", () => bringer.text.toString().endsWith("after!"));
	expect(bringer.closes.length).toBe(closes);
});

test("[TRN5] updates count by the time that they take: whoever keeps the event loop busy is read more slowly, and nobody else", async () => {
	const node = await limitedNode({ messagesPerSecondMax: 100 });
	const [attacker, other] = [node.client("doc"), node.client("elsewhere")];
	await Promise.all([attacker.synced(), other.type("a").saved()]);
	for (let first = 1; first < 60 && node.count("slowed", "connection-rate") === 0; first += 2) {
		sendUpdate(attacker, conflicts(2_000, first));
		// It came before this.
		await other.type("b").saved();
	}
	await eventually("it to be slowed", () => node.count("slowed", "connection-rate") > 0);
	await other.type("c").saved();
	expect(other.closes).toEqual([]);
});
