import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { authenticationFrame, syncStep1Frame, updateFrame } from "../support/wire-frames.ts";

/** Updates of a text that somebody typed word by word. */
function typed(...words: readonly string[]): Uint8Array[] {
	const document = new Y.Doc();
	const updates: Uint8Array[] = [];
	document.on("update", (update: Uint8Array) => updates.push(update));
	const text = document.getText("text");
	for (const word of words) text.insert(text.length, word);
	return updates;
}

/** A client that says no more than a document takes to open. */
async function rawMember(url: string, name: string) {
	const ws = new WebSocket(url);
	onTestFinished(() => ws.terminate());
	/** The two bytes after the document's name: message type and, for sync messages, their kind. */
	const received: string[] = [];
	ws.on("message", (frame: Buffer) => received.push(`${frame[name.length + 1]},${frame[name.length + 2]}`));
	await once(ws, "open");
	ws.send(authenticationFrame(name));
	ws.send(syncStep1Frame(name));
	await eventually("the document to be opened", () => received.includes("0,0"));
	return { ws, received };
}

test.for([
	"beforeHandleMessage",
	"afterHandleMessage",
	"beforeSync",
	"onChange",
	"onStoreDocument",
	"afterStoreDocument",
] as const)("somebody's %s hook hears of every edit", async (hook) => {
	let heard = 0;
	const { client } = await startLocalNode({
		[hook]: async () => {
			heard += 1;
		},
	});
	const author = await client("doc").type("one").saved();
	await eventually(`${hook} to be called`, () => heard > 0);
	const before = heard;
	await author.type(", two").saved();
	await eventually(`${hook} to be called again`, () => heard > before);
});

test("a beforeHandleMessage hook that refuses a message keeps its edit out", async () => {
	const { client } = await startLocalNode({
		async beforeHandleMessage({ update, documentName }) {
			if (update[documentName.length + 1] === 0 && update[documentName.length + 2] === 2)
				throw new Error("no");
		},
	});
	const [author, witness] = [await client("doc").saved(), await client("doc").saved()];
	author.type("forbidden");
	await eventually("the author to be sent away", () => author.closes.length > 0);
	expect(witness.text.toString()).not.toContain("forbidden");
});

test("an update goes to everybody but its author", async () => {
	const { url, client } = await startLocalNode();
	const other = await client("doc").saved();
	const { ws, received } = await rawMember(url, "doc");
	for (const update of typed("hello", " there")) ws.send(updateFrame("doc", update));
	await eventually("the other to have it", () => other.text.toString() === "hello there");
	other.type("!");
	await eventually("the answer", () => received.includes("0,2"));
	expect(received.filter((frame) => frame === "0,2")).toHaveLength(1);
});

test("[CON1] whoever brings what others' edits were waiting for gets those edits", async () => {
	const { url, client } = await startLocalNode();
	const bringer = await client("doc").saved();
	const { ws } = await rawMember(url, "doc");
	const [first, second] = typed("first", " second") as [Uint8Array, Uint8Array];
	ws.send(updateFrame("doc", second));
	const answered = once(ws, "pong");
	ws.ping();
	await answered;
	await bringer.type("...").saved();
	Y.applyUpdate(bringer.document, first);
	await eventually("both", () => bringer.text.toString().includes("first second"));
});

test("[CON1] two authors in one turn get each other's edits", async () => {
	const { client } = await startLocalNode();
	const authors = await Promise.all(Array.from({ length: 4 }, () => client("doc").saved()));
	for (let round = 0; round < 20; round += 1) for (const author of authors) author.type(`${round} `);
	for (const author of authors) await author.saved();
	await eventually("all to be equal", () => new Set(authors.map(({ text }) => text.toString())).size === 1);
	expect(authors[0]?.text.length).toBe(4 * (10 * 2 + 10 * 3));
});
