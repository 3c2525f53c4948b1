import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type Client, openClient } from "../support/client.ts";
import { runCommand } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { freePort, type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { openPostgres } from "../support/postgres-stores.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
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

async function startNode(port?: number): Promise<NodeProcess> {
	const node = await startNodeProcess({
		data: join(temporaryFolder(), "unused"),
		...(port !== undefined && { port }),
		environment: { INDELIBLE_DATABASE_URL: url },
	});
	onTestFinished(async () => {
		await node.stop("SIGKILL");
	});
	return node;
}

function open(node: NodeProcess): Client {
	const client = openClient({ url: node.url, name: "notes" });
	onTestFinished(() => client.destroy());
	return client;
}

/** What stands in a place where nobody should look for a password. */
function expectNoPassword(text: string): void {
	expect(text).not.toMatch(/p@ss|p%40ss|word%2F/);
}

test("[DUR1] what was saved is there after kill -9, on another node; the log says where it is kept, without the password", async () => {
	const first = await startNode();
	const author = await open(first).synced();
	await author.type("indelible").saved();
	await first.stop("SIGKILL");
	const second = await startNode();
	const reader = await open(second).synced();
	expect(reader.text.toString()).toBe("indelible");
	expect(second.output()).toContain(`postgres://127.0.0.1:${server.port}/test_`);
	expect(second.output()).toContain("the folder is not used");
	expect(await second.stop()).toBe(0);
	expectNoPassword(first.output() + second.output());
});

test("[DUR2] [DUR3] while the server is away people go on together and nothing is saved; when it is back, all of it is", async () => {
	const node = await startNode();
	const [author, reader] = [await open(node).synced(), await open(node).synced()];
	await author.type("before ").saved();
	await server.stop("immediate");
	author.type("meanwhile ");
	await eventually("the other one to see it", () => reader.text.toString() === "before meanwhile ");
	const readiness = await eventually("the node to say why", async () => {
		const response = await fetch(`http://127.0.0.1:${node.port}/readyz`);
		return response.status === 503 ? response.text() : undefined;
	});
	expect(readiness).toMatch(/the store can't be written: Postgres at postgres:\/\/127\.0\.0\.1/);
	expectNoPassword(readiness);
	expect(author.provider.hasUnsyncedChanges).toBe(true);
	await server.start();
	await author.saved();
	await eventually("it to be ready", async () => (await fetch(`http://127.0.0.1:${node.port}/readyz`)).ok);
	expectNoPassword(node.output());
	await node.stop("SIGKILL");
	const store = await openPostgres({ url });
	expect(stateOf(await store.load("notes"))).toBe("before meanwhile ");
});

test("a node whose server is away, or does not let it in, ends at start with the reason", async () => {
	const nobody = `postgres://me:p%40ss@127.0.0.1:${await freePort()}/app`;
	const away = await runCommand(["start", "--port", "0", "--no-demo", "--database-url", nobody]);
	expect(away.code).toBe(1);
	expect(away.errors).toMatch(
		/^indelible: Postgres at postgres:\/\/127\.0\.0\.1:\d+\/app: .*ECONNREFUSED.*\n$/,
	);
	const wrong = new URL(url);
	wrong.password = "p@sses";
	const refused = await runCommand(["start", "--port", "0", "--no-demo", "--database-url", String(wrong)]);
	expect(refused.code).toBe(2);
	expect(refused.errors).toMatch(/^indelible: Postgres at .* does not let this node in: .*\n$/);
	expectNoPassword(away.errors + away.output + refused.errors + refused.output);
});

test("doctor looks at the server and changes nothing", async () => {
	const examine = async () => {
		const port = String(await freePort());
		const { code, output } = await runCommand(["doctor", "--json", "--port", port, "--database-url", url]);
		expectNoPassword(output);
		const { findings } = JSON.parse(output);
		return { code, ...findings.find(({ check }: { check: string }) => check === "store") };
	};
	expect(await examine()).toMatchObject({
		code: 0,
		result: "ok",
		detail: expect.stringMatching(/^PostgreSQL \d+.* the node will make its tables/),
	});
	const database = new URL(url).pathname.slice(1);
	const schemas = "SELECT 1 FROM pg_namespace WHERE nspname = 'indelible'";
	expect(await server.query(schemas, [], database)).toEqual([]);
	await (await openPostgres({ url })).close();
	expect(await examine()).toMatchObject({ result: "ok", detail: expect.stringContaining("schema 2") });
	await server.query(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
	expect(await examine()).toMatchObject({
		code: 1,
		result: "problem",
		advice: expect.stringContaining("primary"),
	});
	await server.query(`DROP DATABASE ${database}`);
	expect(await examine()).toMatchObject({
		code: 1,
		result: "problem",
		detail: expect.stringContaining("3D000"),
	});
});

test("[CON2] import takes a stock server's documents over to Postgres", async () => {
	const path = join(temporaryFolder(), "stock.sqlite");
	const stock = new DatabaseSync(path);
	stock.exec('CREATE TABLE "documents" ("name" varchar(255) NOT NULL, "data" blob NOT NULL, UNIQUE(name))');
	stock.prepare("INSERT INTO documents VALUES (?, ?)").run("old", new Typist().type("from before"));
	stock.close();
	const imported = await runCommand(["import", path, "--database-url", url]);
	expect(imported).toMatchObject({
		code: 0,
		errors: "",
		output: expect.stringMatching(/^1 imported, .* in postgres:/),
	});
	expectNoPassword(imported.output);
	expect((await runCommand(["import", path, "--database-url", url])).output).toMatch(
		/^0 imported, 0 merged .* 1 unchanged/,
	);
	const store = await openPostgres({ url });
	expect(stateOf(await store.load("old"))).toBe("from before");
});
