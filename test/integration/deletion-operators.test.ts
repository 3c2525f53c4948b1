import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { SqliteStore } from "../../extensions/durability/index.ts";
import { type Client, openClient } from "../support/client.ts";
import { launcher, runCommand } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import {
	environmentWithoutSettings,
	freePort,
	type NodeProcess,
	startNodeProcess,
} from "../support/node-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const adminToken = "correct-horse-battery";

async function start(data: string, port?: number): Promise<NodeProcess> {
	const environment = { INDELIBLE_ADMIN_TOKEN: adminToken };
	const node = await startNodeProcess({ data, environment, ...(port !== undefined && { port }) });
	onTestFinished(async () => void (await node.stop("SIGKILL")));
	return node;
}

function open({ url }: NodeProcess, name: string, document?: Y.Doc): Client {
	const client = openClient({ url, name, ...(document !== undefined && { document }) });
	onTestFinished(() => client.destroy());
	return client;
}

function asking(node: NodeProcess) {
	return async (method: string, path: string, token: string = adminToken) => {
		const headers = { Authorization: `Bearer ${token}` };
		const response = await fetch(`http://127.0.0.1:${node.port}${path}`, { method, headers });
		const text = await response.text();
		return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
	};
}

test("[DUR7] after 204 a document stays deleted, also when the node is killed at once; its name is refused until it is freed", async () => {
	const data = temporaryFolder();
	const port = await freePort();
	const node = await start(data, port);
	const ask = asking(node);
	const name = "teams/7 50% ä/minutes";
	const ann = await open(node, name).synced();
	await ann.type("words ").saved();
	for (const other of ["a", "b", ".."]) await (await open(node, other).synced()).type("words ").saved();

	const all = await ask("GET", "/api/documents");
	expect(all.status).toBe(200);
	expect(all.body).toMatchObject({
		documents: [{ name: ".." }, { name: "a" }, { name: "b" }, { name }],
		next: null,
	});
	expect(all.body.documents[3].bytes).toBeGreaterThan(0);
	expect(Math.abs(Date.parse(all.body.documents[3].editedAt) - Date.now())).toBeLessThan(60_000);
	expect((await ask("GET", "/api/documents?limit=1&after=a")).body).toMatchObject({
		documents: [{ name: "b" }],
		next: "b",
	});
	expect(
		(await ask("GET", `/api/documents?prefix=${encodeURIComponent("teams/7 50%")}`)).body.documents,
	).toHaveLength(1);
	for (const bad of ["?limit=0", "?limit=10001", "?limit=x"])
		expect(await ask("GET", `/api/documents${bad}`)).toMatchObject({ status: 400, body: { error: /limit/ } });

	// Nobody else may, and nothing that is no name is taken for one.
	expect((await ask("DELETE", "/api/documents/a", "wrong")).status).toBe(401);
	expect((await ask("GET", "/api/documents", "wrong")).status).toBe(401);
	for (const bad of [
		"/api/documents",
		"/api/documents/",
		"/api/documents/a/b",
		"/api/documents/%ff",
		"/api/documents?name=",
	])
		expect((await ask("DELETE", bad)).status).toBe(400);
	expect((await ask("DELETE", "/api/documents/never")).status).toBe(404);
	expect((await ask("POST", "/api/documents/a/free")).status).toBe(404);
	expect((await ask("PUT", "/api/documents/a")).status).toBe(404);
	expect((await ask("DELETE", "/api/documents?name=..")).status).toBe(204);

	// Its end of the connection stays open: the client comes back with what it has.
	const path = `/api/documents/${encodeURIComponent(name)}`;
	expect((await ask("DELETE", path)).status).toBe(204);
	await node.stop("SIGKILL");
	expect(node.output()).toContain("a document was deleted");
	expect(node.output()).not.toContain("minutes");
	const again = await start(data, port);
	const askAgain = asking(again);
	await eventually("ann to come back", () => ann.denials.length > 0 && ann.socket.status === "connected");
	ann.type("more ");
	expect(new Set(ann.denials)).toEqual(new Set(["document-deleted"]));
	expect((await askAgain("DELETE", path)).status).toBe(204);
	expect(
		(await askAgain("GET", "/api/documents")).body.documents.map(({ name }: { name: string }) => name),
	).toEqual(["a", "b"]);
	expect(again.output()).not.toContain("minutes");
	expect(ann.provider.unsyncedChanges).toBeGreaterThan(0);

	expect((await askAgain("POST", `${path}/free`)).status).toBe(204);
	const bob = await open(again, name).synced();
	expect(bob.text.toString()).toBe("");
	await open(again, name, ann.document).saved();
	await eventually("what her copy has", () => bob.text.toString() === "words more ");
});

test("a long list is whole, however slowly it is read, and ends when nobody reads it any more", async () => {
	const data = temporaryFolder();
	const store = new SqliteStore({ path: join(data, "indelible.sqlite") });
	await store.open();
	const names = Array.from({ length: 12_000 }, (_, index) => `document ${String(index).padStart(200, "0")}`);
	await store.append(names.map((documentName) => ({ documentName, updates: [Uint8Array.of(0, 0)] })));
	await store.close();
	const list = [launcher, "list", "--data", data];
	const shell = async (reader: string) => {
		const script = `"$0" "$@" | ${reader}; echo "$?"`;
		const environment = environmentWithoutSettings();
		const { stdout, stderr } = await promisify(execFile)("sh", ["-c", script, process.execPath, ...list], {
			env: environment,
			maxBuffer: 10_000_000,
		});
		expect(stderr).toBe("");
		return stdout.trimEnd().split("\n").slice(0, -1);
	};
	const all = await shell("(sleep 1; cat)");
	expect(all.map((line) => line.trim().replace(/^\d+ {2}/, ""))).toEqual(names);
	expect(await shell("head -n 2")).toEqual(all.slice(0, 2));
});

test("[DUR7] the command line lists and deletes, through a node that runs or without one, and exports and imports know of it", async () => {
	const data = temporaryFolder();
	const environment = { INDELIBLE_ADMIN_TOKEN: adminToken };
	const run = (...args: string[]) => runCommand([...args, "--data", data], { environment, folder: data });
	expect(await run("list")).toMatchObject({
		code: 2,
		errors: expect.stringContaining("there is no database"),
	});

	const node = await start(data);
	const url = `http://127.0.0.1:${node.port}`;
	for (const name of ["teams/a", "teams/b", 'x"y'])
		await (await open(node, name).synced()).type("words ").saved();
	const listed = await run("list");
	expect(listed).toMatchObject({ code: 0, errors: "" });
	expect(listed.output.split("\n").map((line) => line.trim().split(/\s+/, 2)[1])).toEqual([
		"teams/a",
		"teams/b",
		'"x\\"y"',
		undefined,
	]);
	const asJson = await run("list", "--json", "--prefix", "teams/", "--url", url);
	expect(
		asJson.output
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line).name),
	).toEqual(["teams/a", "teams/b"]);

	const inUse = await run("delete", "teams/a");
	expect(inUse.code).toBe(2);
	expect(inUse.errors).toMatch(/in use by process \d+.*--url/s);
	expect(await run("delete", "teams/a", "--url", url)).toMatchObject({ code: 0, errors: "" });
	expect((await run("delete", "never", "--url", url)).errors).toContain('there is no document "never"');
	const wrong = await runCommand(["list", "--url", url], {
		environment: { INDELIBLE_ADMIN_TOKEN: `${adminToken}!` },
		folder: data,
	});
	expect(wrong).toMatchObject({ code: 2, errors: expect.stringContaining("401") });
	await node.stop();

	expect(await run("delete", "teams/b")).toMatchObject({ code: 0, errors: "" });
	expect((await run("list")).output.trim()).toMatch(/^\d+ {2}"x\\"y"$/);
	const refusal = await run("export", "teams/b", "--output", join(data, "b.yjs"));
	expect(refusal).toMatchObject({ code: 2, errors: expect.stringContaining("was deleted") });
	const update = join(data, "update.yjs");
	const copy = new Y.Doc();
	copy.getText("text").insert(0, "words");
	writeFileSync(update, Y.encodeStateAsUpdate(copy));
	const refused = await run("import", update, "--document", "teams/b");
	expect(refused).toMatchObject({ code: 2, errors: expect.stringContaining("indelible delete --free") });

	// A backup holds the marks.
	const backup = join(data, "backup.sqlite");
	expect((await run("backup", backup)).output).toMatch(/^1 document, .*all of them read back/);
	expect(
		(await run("export", "teams/b", "--output", join(data, "b.yjs"), "--from", backup)).errors,
	).toContain("was deleted");

	expect((await run("delete", "--free", 'x"y')).errors).toContain("no deleted document");
	expect(await run("delete", "--free", "teams/b")).toMatchObject({ code: 0, errors: "" });
	expect(await run("import", update, "--document", "teams/b")).toMatchObject({ code: 0, errors: "" });
});

test("a path in --url is where the node's own paths begin, and what can't be asked is refused", async () => {
	const data = temporaryFolder();
	const node = await start(data);
	await (await open(node, "below").synced()).type("words").saved();
	const asked: string[] = [];
	const proxy = createServer((request, response) => {
		asked.push(request.url ?? "");
		const path = request.url?.replace(/^\/tools\/docs(?=\/)/, "");
		const to = { port: node.port, path, method: request.method, headers: request.headers };
		forward(to, (answer) => {
			response.writeHead(answer.statusCode ?? 500, answer.headers);
			answer.pipe(response);
		}).end();
	});
	proxy.listen(0, "127.0.0.1");
	await once(proxy, "listening");
	onTestFinished(() => void proxy.close());
	const origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
	const run = (...args: string[]) =>
		runCommand(args, { environment: { INDELIBLE_ADMIN_TOKEN: adminToken }, folder: data });
	for (const url of [`${origin}/tools/docs`, `${origin.replace("http", "ws")}/tools/docs/`])
		expect((await run("list", "--url", url)).output).toMatch(/^\s*\d+ {2}below$/m);
	expect(await run("delete", "below", "--url", `${origin}/tools/docs`)).toMatchObject({
		code: 0,
		errors: "",
	});
	expect(asked.every((path) => path.startsWith("/tools/docs/api/documents?"))).toBe(true);
	const elsewhere = await run("list", "--url", `${origin}/sync`);
	expect(elsewhere).toMatchObject({ code: 2, errors: expect.stringContaining(`${origin}/sync/api answers`) });
	for (const url of ["http://me:secret@127.0.0.1:1", "http://127.0.0.1:1/?a=b", "ftp://127.0.0.1"]) {
		const refused = await run("list", "--url", url);
		expect(refused).toMatchObject({ code: 2, errors: expect.stringContaining("--url must be a URL like") });
		expect(refused.errors).not.toContain("secret");
	}
});
