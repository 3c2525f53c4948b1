import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { SqliteStore } from "../../extensions/durability/index.ts";
import { type Client, openClient } from "../support/client.ts";
import { runCommand } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { skipUnlessMounting, smallDisk } from "../support/mounts.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { signToken, testSecret } from "../support/tokens.ts";

async function startNode(data: string, environment = {}): Promise<NodeProcess> {
	const node = await startNodeProcess({ data, environment });
	onTestFinished(async () => {
		await node.stop("SIGKILL");
	});
	return node;
}

function clientOf({ url }: { readonly url: string }, name: string, token?: string): Client {
	const client = openClient({ url, name, ...(token === undefined ? {} : { token }) });
	onTestFinished(() => client.destroy());
	return client;
}

function textIn(file: string): string {
	const document = new Y.Doc();
	Y.applyUpdate(document, readFileSync(file));
	return document.getText("text").toString();
}

test("a backup of a node that runs has what was acknowledged before, and is a file of its own", async () => {
	const [data, place] = [temporaryFolder(), temporaryFolder()];
	const node = await startNode(data);
	await clientOf(node, "one").type("first").saved();
	await clientOf(node, "über/文書").type("second").saved();
	const file = join(place, "copy.sqlite");
	const { code, output, errors } = await runCommand(["backup", file, "--data", data]);
	expect({ code, errors }).toEqual({ code: 0, errors: "" });
	expect(output).toMatch(/^2 documents, \d+\.\d MiB, in .*copy\.sqlite; all of them read back\.\n$/);
	expect(readdirSync(place)).toEqual(["copy.sqlite"]);
	const again = await runCommand(["backup", file, "--data", data]);
	expect(again).toMatchObject({ code: 2, errors: expect.stringContaining("is there already") });
	const exported = join(place, "one.yjs");
	const flags = ["--from", file, "--output", exported];
	expect(await runCommand(["export", "one", ...flags])).toMatchObject({ code: 0, errors: "" });
	expect(textIn(exported)).toBe("first");
	expect(await runCommand(["export", "one", ...flags])).toMatchObject({ code: 2 });
	const unknown = await runCommand(["export", "two", "--from", file, "--output", join(place, "two.yjs")]);
	expect(unknown).toMatchObject({ code: 2, errors: expect.stringContaining('no document "two"') });
	expect(existsSync(join(place, "two.yjs"))).toBe(false);
	// Nothing was written beside the backup or into it.
	expect(readdirSync(place).sort()).toEqual(["copy.sqlite", "one.yjs"]);
});

test("what can't be backed up is said, and nothing half done is left", async () => {
	const place = temporaryFolder();
	const missing = await runCommand(["backup", join(place, "x.sqlite"), "--data", join(place, "nowhere")]);
	expect(missing).toMatchObject({ code: 2, errors: expect.stringContaining("no database at") });
	const postgres = await runCommand(["backup", join(place, "x.sqlite"), "--database-url", "postgres://h/d"]);
	expect(postgres).toMatchObject({ code: 2, errors: expect.stringContaining("pg_dump") });
	writeFileSync(join(place, "indelible.sqlite"), "no database");
	const broken = await runCommand(["backup", join(place, "x.sqlite"), "--data", place]);
	expect(broken).toMatchObject({ code: 2, errors: expect.stringContaining("damaged or no database") });
	expect(readdirSync(place)).toEqual(["indelible.sqlite"]);
});

/** A folder whose database has a document of so many bytes. */
async function storeWith(documentName: string, bytes: number): Promise<string> {
	const data = temporaryFolder();
	const store = new SqliteStore({ path: join(data, "indelible.sqlite") });
	await store.open();
	const document = new Y.Doc();
	document.getArray("bytes").push([new Uint8Array(randomBytes(bytes))]);
	await store.append([{ documentName, updates: [Y.encodeStateAsUpdate(document)] }]);
	await store.close();
	return data;
}

test("two backups under one name: one is there, the other is told, and whatever else lies there is left alone", async () => {
	const [data, place] = [await storeWith("plan", 2 ** 20), temporaryFolder()];
	const file = join(place, "copy.sqlite");
	writeFileSync(`${file}-unfinished`, "somebody's own");
	const left = `${file}-unfinished-0123456789ab`;
	writeFileSync(left, "of one that was killed");
	const both = await Promise.all([0, 1].map(() => runCommand(["backup", file, "--data", data])));
	expect(both.map(({ code }) => code).sort()).toEqual([0, 2]);
	for (const { errors } of both) expect(errors).toContain(`${left} is of a backup that was killed`);
	expect(both.find(({ code }) => code === 2)?.errors).toContain("is there already");
	expect(
		readdirSync(place)
			.map((name) => join(place, name))
			.sort(),
	).toEqual([file, `${file}-unfinished`, left]);
	expect(readFileSync(`${file}-unfinished`, "utf8")).toBe("somebody's own");
	expect(readFileSync(left, "utf8")).toBe("of one that was killed");
});

test("a backup that is ended by a signal ends at once, and takes what it has written along", async () => {
	const [data, place] = [await storeWith("plan", 48 * 2 ** 20), temporaryFolder()];
	const args = ["bin/indelible.js", "backup", join(place, "copy.sqlite"), "--data", data];
	const child = spawn(process.execPath, args, { stdio: "ignore" });
	onTestFinished(() => void child.kill("SIGKILL"));
	const ended = once(child, "exit");
	await eventually("it to begin", () => readdirSync(place).length > 0);
	child.kill("SIGTERM");
	expect(await ended).toEqual([null, "SIGTERM"]);
	expect(readdirSync(place)).toEqual([]);
});

test("where nothing can be written is said in a line", async () => {
	const [data, place] = [await storeWith("plan", 10), temporaryFolder()];
	const away = join(place, "nowhere", "file");
	const backup = await runCommand(["backup", away, "--data", data]);
	const exported = await runCommand(["export", "plan", "--data", data, "--output", away]);
	for (const { code, errors } of [backup, exported])
		expect({ code, errors }).toEqual({
			code: 2,
			errors: expect.stringMatching(/^indelible: .*nowhere.*file can't be written: .*\n$/),
		});
	const folder = await runCommand(["export", "plan", "--from", place, "--output", join(place, "plan.yjs")]);
	expect(folder).toMatchObject({ code: 2, errors: expect.stringMatching(/^indelible: .* is a folder.*\n$/) });
	expect(readdirSync(place)).toEqual([]);
});

test("a full disk leaves no half backup and no half document", async (context) => {
	skipUnlessMounting(context);
	const [data, disk] = [await storeWith("plan", 3 * 2 ** 20), smallDisk(2 ** 20)];
	const backup = await runCommand(["backup", join(disk, "copy.sqlite"), "--data", data]);
	const exported = await runCommand(["export", "plan", "--data", data, "--output", join(disk, "plan.yjs")]);
	for (const { code, errors } of [backup, exported])
		expect({ code, errors }).toEqual({
			code: 2,
			errors: expect.stringMatching(/^indelible: .* can't be written: .*(full|space).*\n$/),
		});
	expect(readdirSync(disk)).toEqual([]);
});

test("[DUR5] a database whose structure is damaged is not copied, and what can be done is said", async () => {
	const [data, place] = [await storeWith("plan", 2 ** 20), temporaryFolder()];
	const path = join(data, "indelible.sqlite");
	const bytes = readFileSync(path);
	bytes.fill(0xa5, 4096 * 2);
	writeFileSync(path, bytes);
	const backup = await runCommand(["backup", join(place, "copy.sqlite"), "--data", data]);
	expect(backup).toMatchObject({ code: 2, errors: expect.stringMatching(/^indelible: .* is damaged.*\n$/) });
	expect(readdirSync(place)).toEqual([]);
});

test("[DUR5] a damaged document is named, the others are in the backup, and it is not exported", async () => {
	const [data, place] = [temporaryFolder(), temporaryFolder()];
	const path = join(data, "indelible.sqlite");
	const store = new SqliteStore({ path });
	await store.open();
	for (const documentName of ["bad", "good"]) {
		const document = new Y.Doc();
		document.getText("text").insert(0, `the text of ${documentName}`);
		await store.append([{ documentName, updates: [Y.encodeStateAsUpdate(document)] }]);
	}
	await store.close();
	const bytes = readFileSync(path);
	const at = bytes.indexOf("the text of bad");
	expect(at).toBeGreaterThan(0);
	bytes.write("The", at);
	writeFileSync(path, bytes);
	const file = join(place, "copy.sqlite");
	const backup = await runCommand(["backup", file, "--data", data]);
	expect(backup).toMatchObject({ code: 1, output: expect.stringContaining("1 are damaged") });
	expect(backup.errors).toContain('indelible: "bad": ');
	const good = await runCommand(["export", "good", "--from", file, "--output", join(place, "good.yjs")]);
	expect(good.code).toBe(0);
	const bad = await runCommand(["export", "bad", "--from", file, "--output", join(place, "bad.yjs")]);
	expect(bad).toMatchObject({ code: 2, errors: expect.stringContaining("is damaged") });
	expect(existsSync(join(place, "bad.yjs"))).toBe(false);
});

test("one document goes back under another name, into a store and into a deployment that runs", async () => {
	const [data, place] = [temporaryFolder(), temporaryFolder()];
	const node = await startLocalNode({ data });
	await node.client("plan").type("the plan as it was").saved();
	const file = join(place, "plan.yjs");
	await runCommand(["export", "plan", "--data", data, "--output", file]);
	const editor = node.client("plan");
	await editor.synced();
	editor.text.delete(0, editor.text.length);
	await editor.type("the new plan").saved();
	const running = ["import", file, "--url", node.url, "--document"];
	expect(await runCommand([...running, "plan (restored)"])).toMatchObject({ code: 0, errors: "" });
	expect((await node.client("plan (restored)").synced()).text.toString()).toBe("the plan as it was");
	// Under its own name nothing comes back: it was deleted after the backup, and both are merged.
	expect(await runCommand([...running, "plan"])).toMatchObject({ code: 0 });
	expect((await node.client("plan").synced()).text.toString()).toBe("the new plan");
	const elsewhere = temporaryFolder();
	const stored = ["import", file, "--document", "plan", "--data", elsewhere];
	expect(await runCommand(stored)).toMatchObject({ code: 0, output: expect.stringContaining("imported") });
	expect(await runCommand(stored)).toMatchObject({
		code: 0,
		output: expect.stringContaining("nothing that"),
	});
	const other = await startLocalNode({ data: elsewhere });
	expect((await other.client("plan").synced()).text.toString()).toBe("the plan as it was");
});

test("[DUR1] what an imported file holds that waits for something else is given to the deployment as well, before it is said to be stored", async () => {
	const node = await startLocalNode();
	const file = join(temporaryFolder(), "later.yjs");
	const elsewhere = new Y.Doc();
	const updates: Uint8Array[] = [];
	elsewhere.on("update", (update: Uint8Array) => updates.push(update));
	elsewhere.getText("text").insert(0, "first, and never second");
	elsewhere.getText("text").insert(5, " and last");
	elsewhere.getText("text").delete(14, 18);
	const [first, ...later] = updates;
	writeFileSync(file, Y.mergeUpdates(later));
	const imported = await runCommand(["import", file, "--url", node.url, "--document", "plan"]);
	expect(imported).toMatchObject({ code: 0, errors: "" });
	const editor = node.client("plan");
	await editor.synced();
	Y.applyUpdate(editor.document, first ?? new Uint8Array());
	await editor.saved();
	expect((await node.client("plan").synced()).text.toString()).toBe("first and last");
});

test("an import that can't be is refused, with the reason", async () => {
	const place = temporaryFolder();
	const [file, update] = [join(place, "file"), Y.encodeStateAsUpdate(new Y.Doc())];
	const attempt = async (bytes: Uint8Array, ...args: string[]) => {
		writeFileSync(file, bytes);
		const { code, errors } = await runCommand(["import", file, "--data", place, ...args]);
		return `${code} ${errors}`;
	};
	for (const text of ["text", "root:x:0:0:root:/root:/bin/bash\n"])
		expect(await attempt(Buffer.from(text), "--document", "a")).toMatch(
			/^2 .*is no Yjs update(: Unexpected end of array)?\. Take what `indelible export` has written/,
		);
	expect(await attempt(new Uint8Array(), "--document", "a")).toMatch(/^2 .*has no bytes/);
	expect(await attempt(Buffer.concat([update, update]), "--document", "a")).toMatch(/^2 .*goes on after/);
	expect(await attempt(update, "--document", "")).toMatch(/^2 .*name/);
	expect(await attempt(update, "--document", "a\u0001b")).toMatch(/^2 .*control characters/);
	expect(await attempt(update, "--url", "ws://localhost:1")).toMatch(/^2 .*--document/);
	const node = await startNode(temporaryFolder(), { INDELIBLE_AUTH_JWT_SECRET: testSecret });
	const into = ["--document", "a", "--url", node.url, "--token-variable", "T"];
	const { code, errors } = await runCommand(["import", file, ...into], { environment: { T: "nonsense" } });
	expect(`${code} ${errors}`).toMatch(/^2 .*can't be opened at/);
	const document = new Y.Doc();
	document.getText("text").insert(0, "more");
	writeFileSync(file, Y.encodeStateAsUpdate(document));
	const small = await startNode(temporaryFolder(), { INDELIBLE_UPDATE_BYTES_MAX: "4" });
	const large = await runCommand(["import", file, "--document", "a", "--url", small.url]);
	expect(large).toMatchObject({
		code: 2,
		errors: expect.stringMatching(/4413 update-too-big: .*Raise updateBytesMax/),
	});
	const reader = await signToken({ readonlyDocumentNames: ["*"] });
	const refused = await runCommand(["import", file, ...into], { environment: { T: reader } });
	expect(refused).toMatchObject({ code: 2, errors: expect.stringContaining("refuses to write") });
});

test("with Postgres, documents are taken out and put back while nodes run, and people who have them open see it", async () => {
	const [postgres, place] = [await startPostgres(), temporaryFolder()];
	const databaseUrl = await postgres.newDatabase();
	const environment = { INDELIBLE_DATABASE_URL: databaseUrl };
	const node = await startNode(temporaryFolder(), environment);
	const editor = await clientOf(node, "plan").type("as it was").saved();
	const file = join(place, "plan.yjs");
	expect(await runCommand(["export", "plan", "--output", file], { environment })).toMatchObject({ code: 0 });
	expect(textIn(file)).toBe("as it was");
	const copy = await clientOf(node, "copy").synced();
	const imported = await runCommand(["import", file, "--document", "copy"], { environment });
	expect(imported).toMatchObject({ code: 0, output: expect.not.stringContaining("p@ss") });
	await eventually("the copy to arrive", () => copy.text.toString() === "as it was");
	const none = await runCommand(["export", "none", "--output", join(place, "none.yjs")], { environment });
	expect(none).toMatchObject({ code: 2, errors: expect.stringContaining('no document "none"') });
	expect(editor.text.toString()).toBe("as it was");
});
