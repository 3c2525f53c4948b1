import { join } from "node:path";
import * as encoding from "lib0/encoding";
import { expect, onTestFinished, test, vi } from "vitest";
import type * as Y from "yjs";
import { unbuiltContent } from "../../extensions/durability/unbuilt-documents.ts";
import type { IndelibleNode } from "../../server/index.ts";
import { tamper } from "../support/damage.ts";
import { eventually } from "../support/eventually.ts";
import { HandClient } from "../support/hand-client.ts";
import { type LocalNodeOptions, startLocalNode } from "../support/local-node.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { updateFrame } from "../support/wire-frames.ts";

/** What Yjs breaks over, for the server alone. */
const breaking = vi.hoisted((): { text: string | undefined } => ({ text: undefined }));

vi.mock("yjs", async (importOriginal) => {
	const yjs = await importOriginal<typeof Y>();
	return {
		...yjs,
		decodeUpdate(update: Uint8Array) {
			if (breaking.text !== undefined && Buffer.from(update).includes(breaking.text))
				throw new Error("Yjs breaks");
			return yjs.decodeUpdate(update);
		},
	};
});

/** Whether a document is in memory, and nothing of it has been built. */
function isUnbuilt({ hocuspocus }: IndelibleNode, name = "doc"): boolean {
	const document = hocuspocus.documents.get(name);
	return document !== undefined && unbuiltContent(document) !== undefined;
}

/** A node in a folder in which somebody has written "hello" in the document "doc". */
async function nodeAfterRestart(options: LocalNodeOptions = {}) {
	const data = temporaryFolder();
	const before = await startLocalNode({ data });
	const author = await before.client("doc").type("hello").saved();
	await before.close();
	const { document } = author;
	author.destroy();
	const after = await startLocalNode({ data, ...options });
	return { ...after, data, document };
}

test("[CON1] [DUR1] whoever comes back after a restart, or comes for the first time, is in step and saved without the document being built; with the first edit it is", async () => {
	const { node, client, data, document, close } = await nodeAfterRestart();
	const returning = await client("doc", { document }).saved();
	const newcomer = await client("doc").saved();
	expect(newcomer.text.toString()).toBe("hello");
	newcomer.provider.setAwarenessField("name", "newcomer");
	await eventually("presence", () => returning.provider.awareness?.getStates().size === 2);
	expect(isUnbuilt(node)).toBe(true);

	await newcomer.type(" world").saved();
	await eventually("the edit to be there", () => returning.text.toString() === "hello world");
	expect(isUnbuilt(node)).toBe(false);
	const late = await client("doc").saved();
	expect(late.text.toString()).toBe("hello world");
	await close();

	const again = await startLocalNode({ data });
	const reader = await again.client("doc").saved();
	expect(reader.text.toString()).toBe("hello world");
	expect(isUnbuilt(again.node)).toBe(true);
});

test("[CON1] [DUR1] somebody who has written while the node was away brings it to a document that is not built", async () => {
	const { node, client, document } = await nodeAfterRestart();
	const looker = await client("doc").saved();
	expect(isUnbuilt(node)).toBe(true);
	document.getText("text").insert(5, ", offline");
	const returning = await client("doc", { document }).saved();
	await eventually("the others to have it", () => looker.text.toString() === "hello, offline");
	expect(returning.text.toString()).toBe("hello, offline");
	expect(node.hocuspocus.documents.get("doc")?.getText("text").toString()).toBe("hello, offline");
});

test("[DUR6] a document that was never built leaves memory with its last client, or lingers, and is as it was", async () => {
	for (const lingerMs of [0, 60_000]) {
		const { node, client } = await nodeAfterRestart({ lingerMs });
		(await client("doc").saved()).destroy();
		if (lingerMs === 0) await eventually("it to leave", () => node.hocuspocus.documents.size === 0);
		else await eventually("it to linger", () => node.linger.stats().documents === 1);
		expect((await client("doc").saved()).text.toString()).toBe("hello");
		expect(isUnbuilt(node)).toBe(true);
	}
});

test("hooks and code on the server find a document as if it had been built", async () => {
	const seen: unknown[] = [];
	const { node, client } = await nodeAfterRestart({
		async onLoadDocument({ document }) {
			seen.push(document.getText("text").toString());
		},
		async connected({ connection }) {
			seen.push(connection.document.getText("text").toJSON());
		},
	});
	await client("doc").saved();
	expect(seen).toEqual(["hello", "hello"]);

	const plain = await nodeAfterRestart();
	await plain.client("doc").saved();
	expect(isUnbuilt(plain.node)).toBe(true);
	const direct = await plain.node.openDirectConnection("doc");
	await direct.transact((document) => document.getText("text").insert(5, " from the server"));
	expect((await plain.client("doc").saved()).text.toString()).toBe("hello from the server");
	await direct.disconnect();
	expect(node.hocuspocus.documents.size).toBe(1);
});

test("[DUR5] [DUR1] a document that Yjs can't make is left by all when somebody looks into it, and refused from then on; no edit is taken for saved, and what is stored stays", async () => {
	const errors: unknown[] = [];
	const error = (fields: unknown) => void errors.push(fields);
	vi.spyOn(console, "error").mockImplementation(() => {});
	onTestFinished(() => {
		breaking.text = undefined;
		vi.restoreAllMocks();
	});
	const { node, client, data, close } = await nodeAfterRestart({
		logger: { debug() {}, info() {}, warn() {}, error },
	});
	const stored = rowsIn(data);
	const looker = await client("doc").saved();
	expect(looker.text.toString()).toBe("hello");
	breaking.text = "hello";
	const author = await client("doc").saved();
	author.type(" into the void");
	for (const { closes, denials } of [looker, author]) {
		await eventually("the socket to be closed", () => closes.length > 0);
		expect(closes[0]?.code).toBe(4205);
		await eventually("the refusal", () => denials.length > 0);
	}
	expect(author.provider.hasUnsyncedChanges).toBe(true);
	expect(errors).toContainEqual(expect.objectContaining({ documentName: "doc" }));
	expect(node.hocuspocus.documents.size).toBe(0);
	await expect(node.openDirectConnection("doc")).rejects.toThrow("Yjs breaks");
	expect(await client("other").saved()).toBeDefined();

	// Whatever it was, it is over.
	breaking.text = undefined;
	expect((await client("doc").saved()).text.toString()).toBe("hello");
	await close();
	expect(rowsIn(data)).toEqual(stored);
});

test("[DUR1] [DUR5] no deletion is taken for saved by a document that Yjs can't make", async () => {
	for (const name of ["error", "warn"] as const) vi.spyOn(console, name).mockImplementation(() => {});
	onTestFinished(() => {
		breaking.text = undefined;
		vi.restoreAllMocks();
	});
	const { node } = await nodeAfterRestart();
	const author = new HandClient("doc", { hocuspocus: node.hocuspocus, isPaced: true });
	await author.open();
	await eventually("what it joined with to be saved", () => author.acknowledgements === 1);
	expect(isUnbuilt(node)).toBe(true);
	breaking.text = "hello";
	author.socket.send(updateFrame("doc", manyDeletions(author.document)));
	await eventually("the socket to be closed", () => author.socket.closes.length > 0);
	expect(author.acknowledgements).toBe(1);
});

/** Deletes a character and what is not there yet: more than is let in without a look at it. */
function manyDeletions(document: Y.Doc): Uint8Array {
	const [client = 0] = document.store.clients.keys();
	return encoding.encode((encoder) => {
		for (const count of [0, 1, client, 20_000]) encoding.writeVarUint(encoder, count);
		for (let clock = 0; clock < 40_000; clock += 2)
			for (const number of [clock, 1]) encoding.writeVarUint(encoder, number);
	});
}

/** All that is stored of "doc". */
function rowsIn(data: string): unknown {
	let rows: unknown;
	tamper(join(data, "indelible.sqlite"), (database) => {
		const of = "WHERE document = (SELECT key FROM documents WHERE name = 'doc')";
		rows = ["log", "snapshots"].map((table) =>
			database.prepare(`SELECT hex(data) AS data FROM ${table} ${of}`).all(),
		);
	});
	return rows;
}
