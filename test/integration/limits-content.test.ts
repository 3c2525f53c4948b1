import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { eventually } from "../support/eventually.ts";
import { type LimitedNode, limitedNode } from "../support/limited-node.ts";

const KiB = 1024;

describe("[TRN5] an update that is too large", () => {
	it("costs its sender the connection, who comes back and stays, is refused it, and sees the others go on", async () => {
		const node = await limitedNode({ updateBytesMax: 32 * KiB });
		const [sender, other] = [node.client("doc"), node.client("doc")];
		await Promise.all([sender.type("hello ").saved(), other.synced()]);
		await eventually("the text", () => other.text.toString() === "hello ");

		sender.document.getText("paste").insert(0, "x".repeat(40 * KiB));
		await eventually("to be closed", () => sender.closes.length === 1);
		expect(sender.closes).toEqual([{ code: 4413, reason: "update-too-big" }]);
		await eventually("to be back and refused", () => node.count("refused", "update-size") === 1);
		other.type("still here");
		await other.saved();
		await eventually("the sender to see it", () => sender.text.toString() === "hello still here");
		expect(other.document.getText("paste").length).toBe(0);
		expect(sender.closes).toHaveLength(1);
		// It is not told that what was refused is saved.
		expect(sender.provider.hasUnsyncedChanges).toBe(true);
		expect(other.closes).toEqual([]);
		expect(node.count("closed", "update-size")).toBe(1);
	});

	it("has too many parts: the same", async () => {
		const node = await limitedNode({ updatePartsMax: 100 });
		const [sender, other] = [node.client("doc"), node.client("doc")];
		await Promise.all([sender.synced(), other.synced()]);
		sender.document.getArray("a").insert(0, new Array(2_000).fill(1));
		await eventually("to be closed", () => sender.closes.length === 1);
		expect(sender.closes[0]).toEqual({ code: 4413, reason: "update-too-big" });
		await eventually("to be back and refused", () => node.count("refused", "update-size") === 1);
		await other.type("a").saved();
		await eventually("the sender to see it", () => sender.text.toString() === "a");
		expect(other.document.getArray("a").length).toBe(0);
	});

	it("may be sent whole when there is no limit", async () => {
		const node = await limitedNode({ updateBytesMax: 0 });
		const client = await node.client("doc").synced();
		await client.type("x".repeat(20 * 1024 * KiB)).saved();
		expect(node.events).toEqual([]);
	});
});

describe("a document that is full", () => {
	const documentBytesMax = 64 * KiB;

	/** Writes until it is refused. */
	async function fill(node: LimitedNode) {
		const writer = await node.client("doc").synced();
		const pages = writer.document.getArray<string>("pages");
		while (node.count("refused", "document-size") === 0) {
			pages.push(["p".repeat(4 * KiB)]);
			const [before, refusals] = [writer.provider.unsyncedChanges, node.count("refused", "document-size")];
			await eventually(
				"an answer",
				() => writer.provider.unsyncedChanges < before || node.count("refused", "document-size") > refusals,
			);
		}
		return { writer, pages };
	}

	it("takes no more, is read and made smaller, and then takes in by itself what it had refused", async () => {
		const node = await limitedNode({ documentBytesMax });
		const { writer, pages } = await fill(node);
		const stored = () => node.node.hocuspocus.documents.get("doc")?.getArray("pages").length ?? 0;
		const full = stored();
		expect(full).toBeGreaterThan(10);
		expect(pages.length).toBe(full + 1);
		expect(Y.encodeStateAsUpdate(writer.document).byteLength).toBeLessThan(documentBytesMax * 1.2);

		// Whoever comes now reads all of it, and can't add to it either.
		const other = await node.client("doc").synced();
		expect(other.document.getArray("pages").length).toBe(full);
		const refusals = node.count("refused", "document-size");
		other.type("more");
		await eventually("a refusal", () => node.count("refused", "document-size") > refusals);
		expect(other.provider.hasUnsyncedChanges).toBe(true);
		expect(writer.provider.hasUnsyncedChanges).toBe(true);
		expect(stored()).toBe(full);

		// The one who was refused deletes, too, and what it has typed meanwhile is not lost.
		writer.type("typed while it was full");
		pages.delete(0, 3);
		await eventually("the deletion", () => other.document.getArray("pages").length === full - 3);

		await writer.saved();
		await other.saved();
		expect(stored()).toBe(full + 1 - 3);
		await eventually("both to have all", () => writer.text.toString() === other.text.toString());
		expect(writer.text.toString()).toContain("typed while it was full");
		expect(writer.text.toString()).toContain("more");
		expect([...writer.closes, ...other.closes]).toEqual([]);
	});

	it("lets an edit through that replaces much by little", async () => {
		const node = await limitedNode({ documentBytesMax });
		const { pages } = await fill(node);
		const other = await node.client("doc").synced();
		const refusals = node.count("refused", "document-size");
		const theirs = other.document.getArray<string>("pages");
		other.document.transact(() => {
			theirs.delete(0, 1);
			theirs.insert(0, ["short"]);
		});
		await other.saved();
		expect(node.count("refused", "document-size")).toBe(refusals);
		await eventually("the writer to see it", () => pages.get(0) === "short");
	});

	it("is full for whoever comes back with edits made offline, and takes them when there is room", async () => {
		const node = await limitedNode({ documentBytesMax });
		const offline = await node.client("doc").synced();
		await fill(node);
		await eventually("all", () => offline.document.getArray("pages").length > 10);
		offline.socket.disconnect();
		offline.type("offline");
		await eventually("to be offline", () => offline.closes.length === 1);
		const other = await node.client("doc").synced();
		const refusals = node.count("refused", "document-size");
		await offline.socket.connect();
		// Of the edit, and of all that it has.
		await eventually("refusals", () => node.count("refused", "document-size") === refusals + 2);
		expect(offline.provider.hasUnsyncedChanges).toBe(true);
		other.document.getArray("pages").delete(0, 4);
		await offline.saved();
		await eventually("the text", () => other.text.toString() === "offline");
	});

	it("does not keep the server's own code from writing", async () => {
		const node = await limitedNode({ documentBytesMax });
		await fill(node);
		const connection = await node.node.openDirectConnection("doc");
		await connection.transact((document) => document.getText("text").insert(0, "s".repeat(10 * KiB)));
		await connection.disconnect();
		expect(node.node.hocuspocus.documents.get("doc")?.getText("text").length).toBe(10 * KiB);
	});
});
