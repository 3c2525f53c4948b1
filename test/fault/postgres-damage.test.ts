import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { documentKey } from "../../extensions/durability/storage/checksum.ts";
import { DamagedDocumentError } from "../../extensions/durability/store.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { appendTo, openPostgres } from "../support/postgres-stores.ts";
import { stateOf, Typist } from "../support/typist.ts";

let server: PostgresServer;
let endServer = async () => {};
let url: string;
beforeAll(async () => {
	server = await startPostgres((end) => {
		endServer = end;
	});
});
afterAll(() => endServer());
beforeEach(async () => {
	url = await server.newDatabase();
});

const keyOf = (name: string) => String(documentKey(name));

/** Changes the tables behind the store's back. `$1` is the key of the document "hurt", `$2` that of "twin". */
async function tamper(statement: string): Promise<void> {
	const parameters = [keyOf("hurt"), keyOf("twin")].slice(0, statement.includes("$2") ? 2 : 1);
	const text = `WITH changed AS (${statement} RETURNING 1) SELECT count(*)::int AS count FROM changed`;
	const [row] = await server.query<{ count: number }>(text, parameters, new URL(url).pathname.slice(1));
	expect(row?.count).toBeGreaterThan(0);
}

/** Every table's content. */
async function everything(): Promise<unknown> {
	const tables = ["documents", "snapshots", "log"].map((table) =>
		server.query(`SELECT * FROM indelible.${table} ORDER BY 1, 2`, [], new URL(url).pathname.slice(1)),
	);
	return Promise.all(tables);
}

/** A store with "hurt" and "twin", both with a snapshot of positions 1 to 3 and the entries 4 to 6; and "whole". */
async function filledStore() {
	const store = await openPostgres({ url });
	const typists = new Map(["hurt", "twin", "whole"].map((name) => [name, new Typist()]));
	for (let position = 1; position <= 6; position += 1) {
		for (const [name, typist] of typists) {
			expect(await appendTo(store, name, typist.type(`${position} `))).toBe("durable");
			if (position === 3) await store.compact(name, { gc: true });
		}
	}
	return store;
}

describe("[DUR5] what does not read back as it was written is refused, and nothing else", () => {
	test.for([
		[
			"a bit of an entry",
			"UPDATE indelible.log SET data = set_bit(data, 3, 1 - get_bit(data, 3)) WHERE document = $1 AND position = 5",
		],
		[
			"an entry's checksum",
			"UPDATE indelible.log SET checksum = checksum # 1 WHERE document = $1 AND position = 5",
		],
		[
			"an entry that is cut off",
			"UPDATE indelible.log SET data = substring(data FROM 1 FOR 2) WHERE document = $1 AND position = 4",
		],
		[
			"two entries that changed places",
			"UPDATE indelible.log SET (checksum, data) = (SELECT o.checksum, o.data FROM indelible.log o WHERE o.document = log.document AND o.position = 9 - log.position) WHERE document = $1 AND position IN (4, 5)",
		],
		[
			"another document's entry",
			"UPDATE indelible.log SET (checksum, data) = (SELECT o.checksum, o.data FROM indelible.log o WHERE o.document = $2 AND o.position = log.position) WHERE document = $1 AND position = 5",
		],
		[
			"an entry that is missing in the middle",
			"DELETE FROM indelible.log WHERE document = $1 AND position = 5",
		],
		["the last entry is missing", "DELETE FROM indelible.log WHERE document = $1 AND position = 6"],
		["the whole log is missing", "DELETE FROM indelible.log WHERE document = $1"],
		[
			"an entry that the snapshot covers",
			"INSERT INTO indelible.log SELECT document, 3, checksum, data FROM indelible.log WHERE document = $1 AND position = 4",
		],
		[
			"an entry too many",
			"INSERT INTO indelible.log SELECT document, 7, checksum, data FROM indelible.log WHERE document = $1 AND position = 4",
		],
		[
			"a bit of the snapshot",
			"UPDATE indelible.snapshots SET data = set_bit(data, 99, 1 - get_bit(data, 99)) WHERE document = $1",
		],
		["the snapshot's codec", "UPDATE indelible.snapshots SET codec = 1 - codec WHERE document = $1"],
		["the snapshot's position", "UPDATE indelible.snapshots SET position = 2 WHERE document = $1"],
		[
			"another document's snapshot",
			"UPDATE indelible.snapshots SET (codec, checksum, data) = (SELECT o.codec, o.checksum, o.data FROM indelible.snapshots o WHERE o.document = $2) WHERE document = $1",
		],
		["the snapshot is missing", "DELETE FROM indelible.snapshots WHERE document = $1"],
		["the position", "UPDATE indelible.documents SET position = 5 WHERE key = $1"],
		[
			"the position that the snapshot covers",
			"UPDATE indelible.documents SET snapshot_position = 0 WHERE key = $1",
		],
		["the name", "UPDATE indelible.documents SET name = 'hunt' WHERE key = $1"],
		["the row with the name is missing", "DELETE FROM indelible.documents WHERE key = $1"],
	] as const)("%s", async ([, statement]) => {
		const store = await filledStore();
		const whole = await store.load("whole");
		await tamper(statement);
		const before = await everything();
		for (const refused of [() => store.load("hurt"), () => store.compact("hurt", { gc: true })]) {
			const error = await refused().catch((thrown) => thrown);
			expect(error).toBeInstanceOf(DamagedDocumentError);
			expect(error).toMatchObject({ documentName: "hurt", reason: "document-damaged" });
		}
		expect(await everything()).toEqual(before);
		expect(await store.load("whole")).toEqual(whole);
		expect(await store.compact("whole", { gc: true })).toMatchObject({ status: "compacted", position: 6 });
		const [hurt] = await store.follow.entriesAfter([{ documentName: "hurt", position: 6 }]);
		const [known] = await store.follow.entriesAfter([{ documentName: "whole", position: 6 }]);
		// Whoever is told that it was passed loads it, see above.
		expect(["damaged", "entries", "passed"]).toContain(hurt?.status);
		expect(known).toEqual({ status: "entries", entries: [], position: 6 });
	});
});

test.for([
	["its name is another one", "UPDATE indelible.documents SET name = 'hunt' WHERE key = $1"],
	["its row is missing, beside a snapshot and a log", "DELETE FROM indelible.documents WHERE key = $1"],
	["its log goes on after the end", "UPDATE indelible.documents SET position = 5 WHERE key = $1"],
])("[DUR5] a document that can't be appended to fails alone in its batch: %s", async ([, statement]) => {
	const store = await filledStore();
	await tamper(statement ?? "");
	const before = await store.load("twin");
	const names = Array.from({ length: 40 }, (_, index) => `new ${index}`);
	names.splice(17, 0, "hurt");
	names.splice(33, 0, "twin");
	const results = await store.append(
		names.map((documentName) => ({ documentName, updates: [Uint8Array.of(1)] })),
	);
	for (const [index, name] of names.entries()) {
		const result = results[index];
		if (name !== "hurt") expect(result).toEqual({ status: "durable", position: name === "twin" ? 7 : 1 });
		else expect(result?.status === "failed" && result.error).toBeInstanceOf(DamagedDocumentError);
	}
	expect((await store.load("twin")).position).toBe(before.position + 1);
	await expect(store.load("hurt")).rejects.toThrow(DamagedDocumentError);
});

test("[DUR5] a document whose snapshot alone is left does not begin anew", async () => {
	const store = await openPostgres({ url });
	await appendTo(store, "hurt", new Typist().type("kept"));
	await store.compact("hurt", { gc: true });
	await tamper("DELETE FROM indelible.documents WHERE key = $1");
	expect(await appendTo(store, "hurt", new Typist().type("anew"))).toBeInstanceOf(DamagedDocumentError);
});

test("[DUR5] a damaged page makes its documents refuse to open, and the store goes on", async () => {
	const store = await filledStore();
	const database = new URL(url).pathname.slice(1);
	const [file] = await server.query<{ path: string }>(
		"SELECT pg_relation_filepath('indelible.log') AS path",
		[],
		database,
	);
	await store.close();
	await server.stop("fast");
	const handle = openSync(join(server.folder, "data", file?.path ?? ""), "r+");
	writeSync(handle, Buffer.alloc(64, 0xa5), 0, 64, 0);
	closeSync(handle);
	await server.start();
	const again = await openPostgres({ url });
	for (const refused of [() => again.load("hurt"), () => again.compact("hurt", { gc: true })]) {
		const error = await refused().catch((thrown) => thrown);
		expect(error).toBeInstanceOf(DamagedDocumentError);
		expect(error.message).toMatch(/Postgres says: invalid page/);
	}
	const typist = new Typist();
	await again.load("elsewhere").catch(() => {});
	const outcome = await appendTo(again, "elsewhere", typist.type("goes on"));
	// PostgreSQL may have put it on the damaged page, and then says so instead of writing it.
	if (outcome === "durable") expect(stateOf(await again.load("elsewhere"))).toBe("goes on");
	else expect(outcome).toBeInstanceOf(Error);
});
