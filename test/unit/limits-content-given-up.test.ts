import { type Connection, Document } from "@hocuspocus/server";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { ContentLimits } from "../../extensions/limits/content/content-limits.ts";
import { GivenUp } from "../../extensions/limits/content/given-up.ts";

function written(client: number): { readonly author: Y.Doc; readonly update: Uint8Array } {
	const author = new Y.Doc();
	author.clientID = client;
	author.getText("text").insert(0, "x");
	return { author, update: Y.encodeStateAsUpdate(author) };
}

test("what was given up is refused with all that comes of its authors, in that document, until a while has passed", () => {
	const givenUp = new GivenUp();
	const [one, other] = [written(1), written(2)];
	const document = new Y.Doc();
	givenUp.add("a", one.update, 0);
	one.author.getText("text").insert(1, "y");
	const refuses = (name: string, update: Uint8Array, nowMs: number) =>
		givenUp.refuses(name, document, update, nowMs);
	expect(refuses("a", Y.encodeStateAsUpdate(one.author), 1_000)).toBe(true);
	expect(refuses("a", other.update, 1_000)).toBe(false);
	expect(refuses("b", one.update, 1_000)).toBe(false);
	givenUp.add("a", other.update, 500_000);
	expect(refuses("a", one.update, 700_000)).toBe(true);
	expect(givenUp.has("a", 1_100_000)).toBe(false);
	expect(refuses("a", one.update, 1_100_000)).toBe(false);
});

test("what the document has of them is not refused", () => {
	const givenUp = new GivenUp();
	const { author, update } = written(1);
	givenUp.add("a", update, 0);
	expect(givenUp.refuses("a", author, update, 0)).toBe(false);
});

test("thousands of documents take no more room than the bound", () => {
	const givenUp = new GivenUp();
	const { update } = written(1);
	for (let name = 0; name < 3_000; name += 1) givenUp.add(`document ${name}`, update, 0);
	const remembered = Array.from({ length: 3_000 }, (_, name) => givenUp.has(`document ${name}`, 0));
	expect(remembered.filter((is) => is).length).toBe(1_000);
	expect(remembered.at(-1)).toBe(true);
});

test("[TRN5] whom it names goes on writing: what is small is not refused, as anybody can name anybody", () => {
	const document = new Document("doc");
	const limits = new ContentLimits({ logger: { debug() {}, info() {}, warn() {}, error() {} } });
	const connection = {
		document,
		readOnly: false,
		messageQueue: [],
		messageAddress: "doc",
		webSocket: { readyState: 1, close() {} },
		close() {},
	} as unknown as Connection;
	const author = new Y.Doc();
	const write = (text: string) => {
		const before = Y.encodeStateVector(author);
		author.getText("text").insert(0, text);
		return Y.encodeStateAsUpdate(author, before);
	};
	limits.screen(new Document("doc"), () => {}).tookTooLong(connection, write("x"));
	// As it is loaded anew.
	const screen = limits.screen(document, () => {});
	const admitted = (payload: Uint8Array) =>
		screen.admit(connection, payload, { type: "update", payload }).type;
	expect(admitted(write("y"))).toBe("as-it-is");
	expect(admitted(write("z".repeat(10_000)))).toBe("refused");
});
