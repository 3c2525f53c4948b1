import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type Client, openClient } from "../support/client.ts";
import { runCommand } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { freePort, type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { openPostgres } from "../support/postgres-stores.ts";
import { startRedis } from "../support/redis-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { Typist } from "../support/typist.ts";

/** What operators do with commands while nodes share a database, and what they are told. */

let server: PostgresServer;
let endServer = async () => {};
let url: string;
let database: string;
beforeAll(async () => {
	server = await startPostgres((end) => {
		endServer = end;
	});
});
afterAll(() => endServer());
beforeEach(async () => {
	url = await server.newDatabase();
	database = new URL(url).pathname.slice(1);
});

type Environment = Readonly<Record<string, string>>;

async function startNode(environment: Environment = {}): Promise<NodeProcess> {
	const node = await startNodeProcess({
		data: join(temporaryFolder(), "unused"),
		environment: { INDELIBLE_DATABASE_URL: url, ...environment },
	});
	onTestFinished(async () => {
		await node.stop("SIGKILL");
	});
	return node;
}

function open(node: NodeProcess, name: string): Client {
	const client = openClient({ url: node.url, name });
	onTestFinished(() => client.destroy());
	return client;
}

async function newRole(name: string): Promise<string> {
	await server.query(`CREATE ROLE ${name} LOGIN PASSWORD 'pass'`, [], database);
	onTestFinished(async () => {
		await server.query(`DROP OWNED BY ${name}`, [], database);
		await server.query(`DROP ROLE ${name}`, [], database);
	});
	return `postgres://${name}:pass@127.0.0.1:${server.port}/${database}`;
}

/** What `indelible doctor` says about the store, and `indelible start` about the same settings. */
async function examine(environment: Environment) {
	const port = String(await freePort());
	const { code, output } = await runCommand(["doctor", "--json", "--port", port], { environment });
	const { findings } = JSON.parse(output);
	return { code, ...findings.find(({ check }: { check: string }) => check === "store") };
}

describe("doctor says what start would say, and changes nothing", () => {
	test("to a role that may not make the tables", async () => {
		const role = await newRole("newcomer");
		const settings = { INDELIBLE_DATABASE_URL: role };
		const refused = await runCommand(["start", "--port", "0", "--no-demo"], { environment: settings });
		expect(refused).toMatchObject({ code: 2, errors: expect.stringContaining("GRANT CREATE ON DATABASE") });
		expect(await examine(settings)).toMatchObject({
			code: 1,
			result: "problem",
			detail: expect.stringContaining("GRANT CREATE ON DATABASE"),
		});
	});

	test("to a role that lacks a right on the tables", async () => {
		const role = await newRole("reader");
		await (await openPostgres({ url })).close();
		await server.query("GRANT USAGE ON SCHEMA indelible TO reader", [], database);
		await server.query("GRANT SELECT ON ALL TABLES IN SCHEMA indelible TO reader", [], database);
		const settings = { INDELIBLE_DATABASE_URL: role };
		const refused = await runCommand(["start", "--port", "0", "--no-demo"], { environment: settings });
		expect(refused).toMatchObject({ code: 2, errors: expect.stringContaining("DELETE on log") });
		expect(await examine(settings)).toMatchObject({
			code: 1,
			result: "problem",
			detail: expect.stringContaining("DELETE on log"),
		});
	});

	test("to a role that may not connect to the database", async () => {
		const role = await newRole("stranger");
		await server.query(`REVOKE CONNECT ON DATABASE ${database} FROM public`, [], database);
		const settings = { INDELIBLE_DATABASE_URL: role };
		const refused = await runCommand(["start", "--port", "0", "--no-demo"], { environment: settings });
		expect(refused).toMatchObject({ code: 2, errors: expect.stringContaining("does not let this node in") });
		expect(await examine(settings)).toMatchObject({ code: 1, result: "problem" });
	});

	test("[CLU6] to a node with another Redis prefix than those that run", async () => {
		const redis = await startRedis();
		const settings = { INDELIBLE_DATABASE_URL: url, INDELIBLE_REDIS_URL: redis.url };
		await startNode(settings);
		expect(await examine(settings)).toMatchObject({ code: 0, result: "ok" });
		const other = { ...settings, INDELIBLE_REDIS_PREFIX: "other" };
		const refused = await runCommand(["start", "--port", "0", "--no-demo"], { environment: other });
		expect(refused).toMatchObject({ code: 2, errors: expect.stringContaining("another Redis prefix") });
		expect(await examine(other)).toMatchObject({
			code: 1,
			result: "problem",
			detail: expect.stringContaining("another Redis prefix"),
		});
	});

	test("to a program that is older than the tables", async () => {
		await (await openPostgres({ url })).close();
		await server.query("INSERT INTO indelible.migrations (version) VALUES (99)", [], database);
		expect(await examine({ INDELIBLE_DATABASE_URL: url })).toMatchObject({
			code: 1,
			result: "problem",
			detail: expect.stringContaining("Install that one or a newer one"),
		});
	});
});

test("a node that runs goes on when a newer program has upgraded the tables in a way that leaves room for it", async () => {
	const node = await startNode();
	const ann = await (await open(node, "notes").synced()).type("before, ").saved();
	await server.query("ALTER TABLE indelible.documents ADD COLUMN colour text", [], database);
	await server.query("INSERT INTO indelible.migrations (version) VALUES (99)", [], database);
	await ann.type("after").saved();
	expect(ann.closes).toEqual([]);
	const restarted = await runCommand(["start", "--port", "0", "--no-demo"], {
		environment: { INDELIBLE_DATABASE_URL: url },
	});
	expect(restarted).toMatchObject({
		code: 2,
		errors: expect.stringContaining("a newer one has upgraded it"),
	});
});

describe("[CON2] import while nodes run", () => {
	function stockDatabase(contents: Readonly<Record<string, string>>): string {
		const path = join(temporaryFolder(), "stock.sqlite");
		const stock = new DatabaseSync(path);
		stock.exec('CREATE TABLE "documents" ("name" varchar(255) NOT NULL, "data" blob NOT NULL, UNIQUE(name))');
		const insert = stock.prepare("INSERT INTO documents VALUES (?, ?)");
		for (const [name, text] of Object.entries(contents)) insert.run(name, new Typist().type(text));
		stock.close();
		return path;
	}

	async function prove(environment: Environment): Promise<void> {
		const [one, two] = await Promise.all([startNode(environment), startNode(environment)]);
		const ann = await (await open(one, "open").synced()).type("typed ").saved();
		const ben = await open(two, "open").synced();
		const path = stockDatabase({ open: "imported", shut: "imported" });
		const imported = await runCommand(["import", path, "--database-url", url]);
		expect(imported).toMatchObject({ code: 0, output: expect.stringMatching(/^1 imported, 1 merged/) });
		await eventually("those who have it open to see what was imported", () =>
			[ann, ben].every(({ text }) => text.toString().includes("imported")),
		);
		expect(ann.text.toString()).toBe(ben.text.toString());
		expect((await open(one, "shut").synced()).text.toString()).toBe("imported");
		await ann.type(" and more").saved();
		await eventually("the edit to arrive", () => ben.text.toString() === ann.text.toString());
		expect([...ann.closes, ...ben.closes]).toEqual([]);
	}

	test("without Redis: whoever has a document open sees what was imported", () => prove({}));

	test("with Redis: the same", async () => {
		const redis = await startRedis();
		await prove({ INDELIBLE_REDIS_URL: redis.url });
	});
});

describe("[DUR1] [DUR6] after a failover to a standby that lagged, what people have in memory is stored anew", () => {
	const tables = ["documents", "snapshots", "log"];

	const onAll = (statement: (table: string) => string) =>
		server.query(tables.map(statement).join("; "), [], database);

	/** All that connections had open is gone, too. */
	async function failOver(): Promise<void> {
		await onAll(
			(table) => `DELETE FROM indelible.${table}; INSERT INTO indelible.${table} TABLE old_${table}`,
		);
		await server.query(
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
			[database],
			database,
		);
	}

	async function prove(environment: Environment): Promise<void> {
		const node = await startNode(environment);
		const [ann, ben] = [await open(node, "notes").synced(), await open(node, "done").synced()];
		for (const client of [ann, ben]) await client.type("one ").saved();
		await onAll((table) => `CREATE TABLE old_${table} AS TABLE indelible.${table}`);
		for (const client of [ann, ben]) await client.type("two ").saved();
		for (const client of [ann, ben]) await client.type("three ").saved();
		await failOver();
		await ann.type("four").saved();
		// Nobody writes any more into the other one.
		await eventually("it to be stored again", async () => {
			const entriesOfIt =
				"SELECT 1 FROM indelible.log JOIN indelible.documents ON key = document WHERE name = 'done'";
			return (await server.query(entriesOfIt, [], database)).length > 1;
		});
		await node.stop("SIGKILL");
		for (const client of [ann, ben]) client.destroy();
		const again = await startNode(environment);
		expect((await open(again, "notes").synced()).text.toString()).toBe("one two three four");
		expect((await open(again, "done").synced()).text.toString()).toBe("one two three ");
	}

	test("without Redis", () => prove({}));

	test("with Redis", async () => {
		const redis = await startRedis();
		await prove({ INDELIBLE_REDIS_URL: redis.url });
	});
});
