import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PostgresStore } from "../../extensions/durability/postgres/postgres-store.ts";
import { statements } from "../../extensions/durability/postgres/statements.ts";
import { documentKey } from "../../extensions/durability/storage/checksum.ts";
import {
	DamagedDocumentError,
	DocumentDeletedError,
	StoreUnavailableError,
} from "../../extensions/durability/store.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/node-process.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { appendTo, openPostgres, refusalOf } from "../support/postgres-stores.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { Typist } from "../support/typist.ts";

let server: PostgresServer;
let endServer = async () => {};
beforeAll(async () => {
	server = await startPostgres((end) => {
		endServer = end;
	});
});
afterAll(() => endServer());

const update = () => new Typist().type("kept");

/** A role that may connect and nothing else. @returns The URL of the same database as this role. */
async function newRole(url: string, name: string): Promise<string> {
	await server.query(`CREATE ROLE ${name} LOGIN PASSWORD 'a secret'`);
	const asRole = new URL(url);
	asRole.username = name;
	asRole.password = "a secret";
	return String(asRole);
}

const databaseOf = (url: string) => new URL(url).pathname.slice(1);

describe("[DUR3] what can't work is refused at start, with the reason and without the password", () => {
	test.for([
		["a wrong password", (url: URL) => Object.assign(url, { password: "guessed-wrong" })],
		["an unknown user", (url: URL) => Object.assign(url, { username: "stranger" })],
		["no password", (url: URL) => Object.assign(url, { password: "" })],
		["an unknown database", (url: URL) => Object.assign(url, { pathname: "/nowhere" })],
		["TLS that the server does not speak", (url: URL) => Object.assign(url, { search: "?sslmode=require" })],
		["a certificate that is missing", (url: URL) => Object.assign(url, { search: "?sslrootcert=/no/such" })],
	] as const)("%s", async ([, change]) => {
		const { message } = await refusalOf({ url: String(change(new URL(server.url()))) });
		expect(message).toContain(`127.0.0.1:${server.port}`);
		expect(message).not.toMatch(/guessed-wrong|p@ss|p%40ss/);
	});

	test.for(["", "secret", "mysql://me:secret@host/db", "postgres://me:secret@host:port/db"])(
		"%j is no database URL",
		async (url) => {
			const { message } = await refusalOf({ url });
			expect(message).toContain("database URL");
			expect(message).not.toContain("secret");
		},
	);

	test("a schema's name that would have to be quoted", async () => {
		const { message } = await refusalOf({ url: server.url(), schema: 'no"quotes' });
		expect(message).toContain("lower-case");
	});

	test("a server that is too old", async () => {
		const url = await server.newDatabase();
		const old = await newRole(url, "old_server");
		const database = databaseOf(url);
		await server.query("CREATE SCHEMA fake", [], database);
		await server.query(
			`CREATE FUNCTION fake.current_setting(text) RETURNS text LANGUAGE sql AS
			$$ SELECT CASE $1 WHEN 'server_version_num' THEN '120022' ELSE '12.22' END $$`,
			[],
			database,
		);
		await server.query("GRANT USAGE ON SCHEMA fake TO old_server", [], database);
		await server.query("ALTER ROLE old_server SET search_path = fake, pg_catalog");
		const { message } = await refusalOf({ url: old });
		expect(message).toMatch(/is PostgreSQL 12\.22; it must be 13 or newer/);
	});

	test("tables of a newer program, which are left as they are", async () => {
		const url = await server.newDatabase();
		await (await openPostgres({ url })).close();
		await server.query("INSERT INTO indelible.migrations (version) VALUES (999)", [], databaseOf(url));
		const { message } = await refusalOf({ url });
		expect(message).toMatch(/has version 999, and this program knows \d+/);
	});

	test("tables of somebody else in the schema", async () => {
		const url = await server.newDatabase();
		await server.query("CREATE SCHEMA indelible CREATE TABLE documents (id int)", [], databaseOf(url));
		const { message } = await refusalOf({ url });
		expect(message).toContain("tables that are not this program's");
		expect(await server.query("SELECT * FROM indelible.documents", [], databaseOf(url))).toEqual([]);
	});

	test("a schema of which a table is gone", async () => {
		const url = await server.newDatabase();
		await (await openPostgres({ url })).close();
		await server.query("DROP TABLE indelible.log", [], databaseOf(url));
		expect((await refusalOf({ url })).message).toContain("is not whole");
	});
});

test("[DUR3] a server that is away at start is no configuration's fault", async () => {
	const store = new PostgresStore({ url: `postgres://me:secret@127.0.0.1:${await freePort()}/db` });
	const error = await store.open().catch((thrown: unknown) => thrown);
	expect(error).toBeInstanceOf(StoreUnavailableError);
	expect(error).toMatchObject({ code: "ECONNREFUSED" });
	expect(String(error)).not.toContain("secret");
});

test("the location has neither user nor password", () => {
	const locations = [
		"postgres://me:secret@db.example:5432/app?sslmode=verify-full&sslpassword=secret",
		"postgresql://db.example/app",
		"postgres://me:secret@[::1]:5433/app",
		"postgres:///app?host=/var/run/postgresql",
	].map((url) => new PostgresStore({ url }).location);
	expect(locations).toEqual([
		"postgres://db.example:5432/app",
		"postgres://db.example/app",
		"postgres://[::1]:5433/app",
		"postgres:///var/run/postgresql/app",
	]);
});

test("any number of nodes may start at once on an empty database", async () => {
	const url = await server.newDatabase();
	const stores = await Promise.all(Array.from({ length: 8 }, () => openPostgres({ url })));
	for (const store of stores) expect(await appendTo(store, "a", update())).toBe("durable");
	expect((await stores[0]?.load("a"))?.position).toBe(8);
	const applied = await server.query("SELECT version FROM indelible.migrations", [], databaseOf(url));
	expect(applied).toEqual([{ version: 1 }, { version: 2 }]);
});

test("[DUR7] tables of the version before deletions are upgraded, and its nodes, which go on, are refused by a mark as well", async () => {
	const url = await server.newDatabase();
	const database = databaseOf(url);
	const first = await openPostgres({ url });
	for (const name of ["kept", "gone"]) await appendTo(first, name, update());
	await first.close();
	await server.query("ALTER TABLE indelible.documents DROP COLUMN generation", [], database);
	await server.query("DELETE FROM indelible.migrations WHERE version = 2", [], database);
	const store = await openPostgres({ url });
	expect((await store.load("kept")).position).toBe(1);
	expect(await appendTo(store, "kept", update())).toBe("durable");
	expect(await store.catalogue.delete("gone")).toMatchObject({ status: "deleted" });
	// The heart of what they run to append, and to put a merged snapshot in place.
	const appendAsBefore = (name: string) =>
		server.query(
			`INSERT INTO indelible.documents AS stored (key, name, position)
			SELECT key, convert_to($1, 'UTF8'), 1 FROM indelible.documents WHERE key = $2
			ON CONFLICT (key) DO UPDATE SET position = CASE WHEN stored.name = excluded.name THEN stored.position + 1 END
			RETURNING position`,
			[name, String(documentKey(name))],
			database,
		);
	expect(await appendAsBefore("kept")).toEqual([{ position: "3" }]);
	await expect(appendAsBefore("gone")).rejects.toMatchObject({ code: "23502" });
	const replaced = await server.query(
		"UPDATE indelible.documents SET snapshot_position = 1 WHERE key = $1 AND name = convert_to($2, 'UTF8') RETURNING 1",
		[String(documentKey("gone")), "gone"],
		database,
	);
	expect(replaced).toEqual([]);
});

test("[DUR7] nothing of what was deleted is left in the tables, and a document that is damaged can be deleted", async () => {
	const url = await server.newDatabase();
	const database = databaseOf(url);
	const store = await openPostgres({ url });
	for (let times = 0; times < 3; times += 1) await appendTo(store, "gone", update());
	await store.compact("gone", { gc: true });
	await appendTo(store, "gone", update());
	await server.query("UPDATE indelible.log SET checksum = 0", [], database);
	await expect(store.load("gone")).rejects.toThrow(DamagedDocumentError);
	expect(await store.catalogue.delete("gone")).toMatchObject({ status: "deleted" });
	await expect(store.load("gone")).rejects.toThrow(DocumentDeletedError);
	const rows = await server.query(
		`SELECT (SELECT count(*) FROM indelible.log)::integer AS entries, (SELECT count(*) FROM indelible.snapshots)::integer AS snapshots,
			(SELECT count(*) FROM indelible.documents WHERE name = 'gone'::bytea)::integer AS names`,
		[],
		database,
	);
	expect(rows).toEqual([{ entries: 0, snapshots: 0, names: 0 }]);
});

test("two schemas in one database are two stores", async () => {
	const url = await server.newDatabase();
	const [one, two] = [await openPostgres({ url, schema: "one" }), await openPostgres({ url, schema: "two" })];
	await appendTo(one, "a", update());
	expect((await one.load("a")).position).toBe(1);
	expect((await two.load("a")).position).toBe(0);
});

test("[DUR5] what is stored reads back whatever way the database has of writing bytes", async () => {
	const url = await server.newDatabase();
	await server.query(`ALTER DATABASE ${databaseOf(url)} SET bytea_output TO escape`);
	const store = await openPostgres({ url });
	const name = "\\x00 and ü";
	expect(await appendTo(store, name, update())).toBe("durable");
	expect((await store.load(name)).entries).toEqual([{ position: 1, updates: [expect.any(Uint8Array)] }]);
	expect(await store.compact(name, { gc: true })).toMatchObject({ status: "compacted" });
	expect((await store.load(name)).snapshot?.position).toBe(1);
});

test("[DUR1] on a connection that a pooler shares among them, a store does not run another one's statements", () => {
	const [one, two] = [Object.values(statements("one")), Object.values(statements("two"))];
	expect(new Set([...one, ...two].map(({ name }) => name)).size).toBe(8);
	// The server cuts longer ones.
	for (const { name = "" } of one) expect(name.length).toBeLessThan(64);
});

test("a role without the right to make tables is told what to do, and works once it is done", async () => {
	const url = await server.newDatabase();
	const database = databaseOf(url);
	const asRole = await newRole(url, "worker");
	const first = await refusalOf({ url: asRole });
	expect(first.message).toMatch(
		/the role worker may not change that.*GRANT CREATE ON DATABASE test_\d+ TO worker;/,
	);
	await (await openPostgres({ url })).close();
	const second = await refusalOf({ url: asRole });
	expect(second.message).toContain("the role worker may not use the schema indelible");
	const [, grants = ""] = second.message.split("run: ");
	await server.query(grants, undefined, database);
	const store = await openPostgres({ url: asRole });
	expect(await appendTo(store, "a", update())).toBe("durable");
	expect(await store.compact("a", { gc: true })).toMatchObject({ status: "compacted" });
	expect(await appendTo(store, "a", update())).toBe("durable");
	expect(await store.compact("a", { gc: true })).toMatchObject({ status: "compacted" });
	expect(await store.follow.entriesAfter([{ documentName: "a", position: 1 }])).toMatchObject([
		{ status: "passed", position: 2 },
	]);
	expect(await store.catalogue.delete("a")).toEqual({ status: "deleted", generation: 1 });
	expect(await store.catalogue.free("a")).toBe(true);
	await server.query("REVOKE DELETE ON indelible.log FROM worker", [], database);
	expect((await refusalOf({ url: asRole })).message).toContain("DELETE on log is missing");
});

test("a role that may make tables in a schema that is there needs no other right", async () => {
	const url = await server.newDatabase();
	const asRole = await newRole(url, "tenant");
	await server.query("CREATE SCHEMA indelible AUTHORIZATION tenant", [], databaseOf(url));
	const store = await openPostgres({ url: asRole });
	expect(await appendTo(store, "a", update())).toBe("durable");
});

test("[DUR1] an append is one transaction, whatever is in it, and leaves no trail in the documents' index", async () => {
	const url = await server.newDatabase();
	const store = await openPostgres({ url });
	const names = Array.from({ length: 300 }, (_, index) => `document ${index}`);
	const append = () =>
		store.append(
			names.map((documentName) => ({ documentName, updates: [Uint8Array.of(1), Uint8Array.of(2)] })),
		);
	await append();
	const before = await lastTransaction();
	for (let round = 0; round < 10; round += 1) await append();
	// The one that asks counts, too; and the server may have tidied up meanwhile.
	expect((await lastTransaction()) - before).toBeGreaterThanOrEqual(11);
	expect((await lastTransaction()) - before).toBeLessThan(20);
	await store.close();
	const found = await eventually("the statistics", async () => {
		const [row] = await server.query<{ hot: string; total: string }>(
			"SELECT n_tup_hot_upd AS hot, n_tup_upd AS total FROM pg_stat_user_tables WHERE relname = 'documents'",
			[],
			databaseOf(url),
		);
		return Number(row?.total) === 3_000 ? row : undefined;
	});
	expect(Number(found.hot)).toBeGreaterThan(2_500);
});

async function lastTransaction(): Promise<number> {
	const [row] = await server.query<{ id: string }>("SELECT pg_current_xact_id()::text AS id");
	return Number(row?.id);
}

/** Opens a store for which the network can be broken. */
async function openBehindProxy(url: string) {
	const proxy = await startTcpProxy(server.port);
	const through = new URL(url);
	through.port = String(proxy.port);
	return { proxy, store: await openPostgres({ url: String(through) }) };
}

test("[CLU3] what could not be announced while Postgres was away is announced with what comes next", async () => {
	const url = await server.newDatabase();
	const { proxy, store } = await openBehindProxy(url);
	const other = await openPostgres({ url });
	let isListening = false;
	let hasHeard = false;
	other.follow.listen((signal) => {
		isListening ||= signal.type === "listening";
		hasHeard ||= signal.type === "announced" && signal.concerns("edited meanwhile");
	});
	await eventually("the other one to listen", () => isListening);
	proxy.cut();
	store.follow.announce(["edited meanwhile"], true);
	await expect(store.load("any")).rejects.toThrow(StoreUnavailableError);
	proxy.heal();
	await eventually("it to be heard", () => {
		store.follow.announce([], true);
		return hasHeard;
	});
});

test("[TRN3] a store ends though its listening connection is half open", async () => {
	const { proxy, store } = await openBehindProxy(await server.newDatabase());
	let isListening = false;
	store.follow.listen((signal) => {
		isListening ||= signal.type === "listening";
	});
	await eventually("it to listen", () => isListening);
	proxy.freeze();
	let isClosed = false;
	void store.close().then(() => {
		isClosed = true;
	});
	await eventually("it to be closed", () => isClosed);
});

test("[CLU3] a certificate that is missing for a moment ends nothing: the store listens again when it is back", async () => {
	const file = join(temporaryFolder(), "root.pem");
	const renew = () => writeFileSync(file, "");
	renew();
	const proxy = await startTcpProxy(server.port);
	const url = new URL(await server.newDatabase());
	url.port = String(proxy.port);
	// The driver reads the file for each connection, whether it then needs it or not.
	url.search = `?sslmode=disable&sslrootcert=${file}`;
	const store = await openPostgres({ url: String(url) });
	const heard = { listening: 0, deaf: 0 };
	store.follow.listen(({ type }) => {
		if (type !== "announced") heard[type] += 1;
	});
	await eventually("it to listen", () => heard.listening === 1);
	rmSync(file);
	proxy.reset();
	await eventually("it to have tried in vain", () => heard.deaf > 1);
	renew();
	await eventually("it to listen again", () => heard.listening === 2);
});
