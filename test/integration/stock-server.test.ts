import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Server } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import { Durability, SqliteStore } from "../../extensions/durability/index.ts";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { freePort } from "../support/node-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const example = fileURLToPath(new URL("../../extensions/durability/example.ts", import.meta.url));
const readme = fileURLToPath(new URL("../../extensions/durability/README.md", import.meta.url));

function startExample(port: number, database: string): ChildProcess {
	const child = spawn(process.execPath, ["--conditions=indelible-source", example], {
		env: { ...process.env, PORT: String(port), DATABASE: database },
		stdio: "ignore",
	});
	onTestFinished(() => {
		child.kill("SIGKILL");
	});
	return child;
}

function open(url: string) {
	const client = openClient({ url, name: "doc" });
	onTestFinished(() => client.destroy());
	return client;
}

test("[DUR1] the README's example: on a stock server, what is acknowledged survives kill -9", async () => {
	expect(readFileSync(readme, "utf8")).toContain(readFileSync(example, "utf8").trim());
	const port = await freePort();
	const database = join(temporaryFolder(), "documents.sqlite");
	const url = `ws://127.0.0.1:${port}`;
	const first = startExample(port, database);
	const writer = open(url);
	for (const word of ["one ", "two ", "three"]) await writer.type(word).saved();
	writer.destroy();
	first.kill("SIGKILL");
	await once(first, "exit");
	startExample(port, database);
	const reader = await open(url).synced();
	expect(reader.text.toString()).toBe("one two three");
});

test("[DUR1] [DUR2] on a stock server too, others see an edit at once, and its author waits for the store", async () => {
	const store = new FaultyStore(new SqliteStore({ path: join(temporaryFolder(), "documents.sqlite") }));
	const server = new Server({ quiet: true, address: "127.0.0.1", extensions: [new Durability({ store })] });
	const port = await freePort();
	await server.listen(port);
	onTestFinished(() => server.destroy());
	const [author, other] = [open(`ws://127.0.0.1:${port}`), open(`ws://127.0.0.1:${port}`)];
	await author.saved();
	await other.saved();
	const release = store.hold();
	author.type("hello");
	await eventually("the other to see it", () => other.text.toString() === "hello");
	expect(author.provider.unsyncedChanges).toBe(1);
	release();
	await author.saved();
});

test("[DUR7] on a stock server too, a document can be deleted, and its clients are told and stay away", async () => {
	const durability = new Durability({
		store: new SqliteStore({ path: join(temporaryFolder(), "documents.sqlite") }),
	});
	const server = new Server({ quiet: true, address: "127.0.0.1", extensions: [durability] });
	const port = await freePort();
	await server.listen(port);
	onTestFinished(() => server.destroy());
	const people = [open(`ws://127.0.0.1:${port}`), open(`ws://127.0.0.1:${port}`)];
	for (const person of people) await person.type("words ").saved();
	expect(await durability.delete("doc")).toBe("deleted");
	await eventually("both to know", () => people.every(({ denials }) => denials.length > 0));
	for (const { denials, closes } of people)
		expect({ denials, closes }).toEqual({ denials: ["document-deleted"], closes: [] });
	expect(server.hocuspocus.documents.size).toBe(0);
	const late = open(`ws://127.0.0.1:${port}`);
	await eventually("a denial", () => late.denials.length > 0);
	expect(await durability.list({ limit: 9 })).toEqual({ documents: [], hasMore: false });
	expect(await durability.free("doc")).toBe(true);
	const next = await open(`ws://127.0.0.1:${port}`).synced();
	await next.type("new").saved();
	expect(next.text.toString()).toBe("new");
});
