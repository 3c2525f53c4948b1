import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Database } from "@hocuspocus/extension-database";
import { Server } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { SqliteStore } from "../../extensions/durability/index.ts";
import { type ImportProgress, importStockDatabase } from "../../server/import.ts";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { stateOf, Typist } from "../support/typist.ts";

/** The table that `@hocuspocus/extension-sqlite` makes, and how it writes to it. */
const stockTable = `CREATE TABLE IF NOT EXISTS "documents" ("name" varchar(255) NOT NULL, "data" blob NOT NULL, UNIQUE(name))`;
const stockUpsert = `INSERT INTO "documents" ("name", "data") VALUES ($name, $data) ON CONFLICT(name) DO UPDATE SET data = $data`;

interface StockServer {
	readonly url: string;
	close(): Promise<void>;
}

/** A stock Hocuspocus server that keeps whole documents in an SQLite file. */
async function startStockServer(path: string): Promise<StockServer> {
	const database = new DatabaseSync(path);
	database.exec(stockTable);
	const select = database.prepare(`SELECT data FROM "documents" WHERE name = $name ORDER BY rowid DESC`);
	const upsert = database.prepare(stockUpsert);
	const server = new Server({
		quiet: true,
		stopOnSignals: false,
		port: 0,
		address: "127.0.0.1",
		debounce: 10,
		extensions: [
			new Database({
				fetch: async ({ documentName }) => {
					const data = select.get({ $name: documentName })?.data;
					return data instanceof Uint8Array ? data : null;
				},
				store: async ({ documentName, state }) => {
					upsert.run({ $name: documentName, $data: state });
				},
			}),
		],
	});
	await server.listen();
	let closing: Promise<void> | undefined;
	const close = () => {
		closing ??= server.destroy().then(() => database.close());
		return closing;
	};
	onTestFinished(close);
	return { url: `ws://127.0.0.1:${server.address.port}`, close };
}

/** A file with the given rows, as a stock server would have left it. */
function stockFile(rows: readonly (readonly [name: string, data: Uint8Array | string])[]): string {
	const path = join(temporaryFolder(), "db.sqlite");
	const database = new DatabaseSync(path);
	database.exec(stockTable);
	const upsert = database.prepare(stockUpsert);
	for (const [$name, $data] of rows) upsert.run({ $name, $data });
	database.close();
	return path;
}

async function openStore(data = temporaryFolder()): Promise<SqliteStore> {
	const store = new SqliteStore({ path: join(data, "indelible.sqlite") });
	await store.open();
	onTestFinished(() => store.close());
	return store;
}

function written(text: string): Uint8Array {
	const typist = new Typist();
	typist.type(text);
	return Y.encodeStateAsUpdate(typist.document);
}

test("[CON2] documents written by a stock server are imported and served with the same content", async () => {
	const from = join(temporaryFolder(), "db.sqlite");
	const stock = await startStockServer(from);
	const names = ["minutes", "übersicht/一", "O'Brien's \"notes\""];
	const documents = new Map<string, Y.Doc>();
	for (const name of names) {
		const ann = openClient({ url: stock.url, name });
		const ben = openClient({ url: stock.url, name });
		onTestFinished(() => ann.destroy());
		onTestFinished(() => ben.destroy());
		await ann.synced();
		await ben.synced();
		ann.type(`${name}, by Ann. `);
		await eventually("Ben to see it", () => ben.text.length > 0);
		ben.type("Ben was here, too.");
		ben.text.delete(0, 1);
		ben.text.format(2, 5, { bold: true });
		ben.document.getMap("settings").set("nested", new Y.Array());
		ben.document.getXmlFragment("prose").insert(0, [new Y.XmlElement("paragraph")]);
		await ben.saved();
		await eventually("Ann to have it", () => ann.document.getMap("settings").has("nested"));
		documents.set(name, ann.document);
		ann.destroy();
		ben.destroy();
	}
	await stock.close();
	const before = readFileSync(from);

	const data = temporaryFolder();
	const store = await openStore(data);
	const progress: ImportProgress[] = [];
	const result = await importStockDatabase({ from, store, onProgress: (step) => progress.push(step) });
	expect(result).toEqual({ imported: 3, merged: 0, unchanged: 0, refused: [] });
	expect(progress).toEqual(
		names.map((documentName, index) => ({
			done: index + 1,
			total: 3,
			documentName,
			outcome: { status: "imported" },
		})),
	);
	expect(readFileSync(from).equals(before)).toBe(true);
	await store.close();

	const { client } = await startLocalNode({ data });
	for (const [name, document] of documents) {
		const reader = await client(name).synced();
		expect(reader.text.toDelta()).toEqual(document.getText("text").toDelta());
		expect(reader.document.getMap("settings").toJSON()).toEqual({ nested: [] });
		expect(reader.document.getXmlFragment("prose").toString()).toBe("<paragraph></paragraph>");
		expect(Buffer.compare(Y.encodeStateAsUpdate(reader.document), Y.encodeStateAsUpdate(document))).toBe(0);
		await reader.type(" Goes on.").saved();
	}
});

test("[CON2] importing twice changes nothing", async () => {
	const pending = new Typist();
	pending.type("missing ");
	const [later, erasure] = [pending.type("later "), pending.erase(0, 3)];
	const waiting = Y.mergeUpdates([later, erasure]);
	const from = stockFile([
		["a", written("one")],
		["b", written("two")],
		["waits for another update", waiting],
		["empty", Y.encodeStateAsUpdate(new Y.Doc())],
	]);
	const store = await openStore();
	expect(await importStockDatabase({ from, store })).toEqual({
		imported: 3,
		merged: 0,
		unchanged: 1,
		refused: [],
	});
	const before = [await store.load("a"), await store.load("waits for another update")];
	const nothing = { imported: 0, merged: 0, unchanged: 4, refused: [] };
	expect(await importStockDatabase({ from, store })).toEqual(nothing);
	expect([await store.load("a"), await store.load("waits for another update")]).toEqual(before);
	expect((await store.load("empty")).position).toBe(0);
	for (const name of ["a", "b", "waits for another update"]) await store.compact(name, { gc: true });
	expect(await importStockDatabase({ from, store })).toEqual(nothing);
});

test("[CON2] a document that is here already is merged with, and loses nothing", async () => {
	const typist = new Typist();
	typist.type("from before ");
	const store = await openStore();
	await store.append([{ documentName: "a", updates: [Y.encodeStateAsUpdate(typist.document)] }]);
	await store.append([{ documentName: "a", updates: [written("only here ")] }]);
	typist.type("and only there ");
	const from = stockFile([["a", Y.encodeStateAsUpdate(typist.document)]]);
	expect(await importStockDatabase({ from, store })).toMatchObject({ merged: 1 });
	const text = stateOf(await store.load("a"));
	for (const part of ["from before ", "only here ", "and only there "]) {
		expect(text.split(part).length, part).toBe(2);
	}
	expect(await importStockDatabase({ from, store })).toMatchObject({ merged: 0, unchanged: 1 });
});

test("[CON2] rows that can't be right are left out and reported, the others are taken", async () => {
	const good = written("good");
	const v2 = new Typist();
	v2.type("a longer text in the other format");
	const from = stockFile([
		["", good],
		["x".repeat(1025), good],
		["two\nlines", good],
		["garbage", Uint8Array.of(200, 200, 200, 200)],
		["cut off", good.subarray(0, good.byteLength - 3)],
		["too long", Buffer.concat([good, Buffer.of(7)])],
		["no bytes", new Uint8Array()],
		["text", "text"],
		["good", good],
	]);
	const store = await openStore();
	const result = await importStockDatabase({ from, store });
	expect(result).toMatchObject({ imported: 1, merged: 0, unchanged: 0 });
	expect(result.refused.map(({ documentName }) => documentName)).toEqual([
		"",
		"x".repeat(1025),
		"two\nlines",
		"garbage",
		"cut off",
		"too long",
		"no bytes",
		"text",
	]);
	expect(result.refused.map(({ problem }) => problem)).toEqual([
		"its name is empty",
		"its name is longer than 1024 bytes",
		"its name has control characters",
		expect.stringContaining("its data is no Yjs update"),
		expect.stringContaining("its data is no Yjs update"),
		"its data goes on after a Yjs update",
		expect.stringContaining("its data has no bytes"),
		"its data is no blob",
	]);
	expect(stateOf(await store.load("good"))).toBe("good");
	expect((await store.load("garbage")).position).toBe(0);
});

test("[CON2] [DUR5] a row with a damaged page is reported, and the others are taken", async () => {
	const from = stockFile([
		["first", written("first")],
		["damaged", written("long ".repeat(20_000))],
		["last", written("last")],
	]);
	const bytes = readFileSync(from);
	// Its data fills a chain of pages; this cuts the chain.
	const inside = bytes.indexOf("long long long", bytes.length / 2);
	const page = Math.floor(inside / 4096) * 4096;
	bytes.writeUInt32BE(0xffffff, page);
	writeFileSync(from, bytes);
	const store = await openStore();
	const result = await importStockDatabase({ from, store });
	expect(result).toMatchObject({ imported: 2, refused: [{ documentName: "damaged" }] });
	expect(stateOf(await store.load("last"))).toBe("last");
});

test.each([
	["a file that does not exist", () => join(temporaryFolder(), "none.sqlite"), /does not exist/],
	[
		"a file that is no database",
		() => import.meta.filename,
		/is no SQLite database; a document that `indelible export` has written goes with --document <name>/,
	],
	[
		"a backup of a node's own database",
		() => {
			const path = join(temporaryFolder(), "backup.sqlite");
			const database = new DatabaseSync(path);
			database.exec(
				"CREATE TABLE documents (key, name); CREATE TABLE snapshots (document); CREATE TABLE log (document)",
			);
			database.close();
			return path;
		},
		/is a database of Indelible's own.*indelible export --from/,
	],
	[
		"somebody else's database",
		() => {
			const path = join(temporaryFolder(), "other.sqlite");
			const database = new DatabaseSync(path);
			database.exec("CREATE TABLE documents (id, title)");
			database.close();
			return path;
		},
		/was not written by @hocuspocus\/extension-sqlite/,
	],
])("[CON2] %s is refused with the reason", async (_, make, message) => {
	const store = await openStore();
	await expect(importStockDatabase({ from: make(), store })).rejects.toThrow(message);
});
