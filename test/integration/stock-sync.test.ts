import { join } from "node:path";
import { type Extension, Server } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import { Durability, SqliteStore } from "../../extensions/durability/index.ts";
import { Sync } from "../../extensions/sync/index.ts";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A server of `@hocuspocus/server` itself, on `ws`. */
async function startStock(extensions: Extension[]) {
	const server = new Server({ quiet: true, address: "127.0.0.1", port: 0, stopOnSignals: false, extensions });
	await server.listen();
	onTestFinished(() => server.destroy());
	const open = () => {
		const client = openClient({ url: server.webSocketURL, name: "doc" });
		onTestFinished(() => client.destroy());
		return client;
	};
	return { server, open };
}

function faultyStore(): FaultyStore {
	return new FaultyStore(new SqliteStore({ path: join(temporaryFolder(), "documents.sqlite") }));
}

test("[DUR1] [DUR2] Sync on a stock server finds Durability, in whatever order they are given", async () => {
	const store = faultyStore();
	const { open } = await startStock([new Sync(), new Durability({ store })]);
	const [author, other] = [open(), open()];
	await author.saved();
	await other.saved();
	const release = store.hold();
	author.type("hello");
	await eventually("the other to see it", () => other.text.toString() === "hello");
	expect(author.provider.unsyncedChanges).toBe(1);
	release();
	await author.saved();
});

test("[CON1] Sync alone on a stock server: edits and presence arrive, and are acknowledged", async () => {
	const { open } = await startStock([new Sync()]);
	const [first, second] = [open(), open()];
	await first.synced();
	await second.synced();
	first.provider.setAwarenessField("user", { name: "Ada" });
	first.type("a");
	second.type("b");
	await first.saved();
	await second.saved();
	await eventually("both to have both", () => first.text.length === 2 && second.text.length === 2);
	expect(first.text.toString()).toBe(second.text.toString());
	const isAdaThere = () =>
		[...(second.provider.awareness?.getStates().values() ?? [])].some(({ user }) => user?.name === "Ada");
	await eventually("her name", isAdaThere);
	first.destroy();
	await eventually("her to have left", () => !isAdaThere());
});

test("on a stock server nobody watches messages unless a hook is given", async () => {
	const seen: string[] = [];
	const watcher: Extension = {
		async beforeHandleMessage() {
			seen.push("message");
		},
		async onChange() {
			seen.push("change");
		},
		async beforeHandleAwareness() {
			seen.push("presence");
		},
	};
	const { server, open } = await startStock([new Sync()]);
	const client = open();
	await client.synced();
	const asked = new Set<string>();
	const runHooks = server.hocuspocus.hooks.bind(server.hocuspocus);
	server.hocuspocus.hooks = (name, payload, callback) => {
		asked.add(name);
		return runHooks(name, payload, callback);
	};
	await client.type("hello").saved();
	expect([...asked]).toEqual([]);
	const watched = await startStock([new Sync(), watcher]);
	const writer = watched.open();
	await writer.synced();
	writer.provider.setAwarenessField("user", { name: "Ada" });
	await writer.type("hello").saved();
	await eventually("the hooks to be told", () =>
		["message", "change", "presence"].every((what) => seen.includes(what)),
	);
});
