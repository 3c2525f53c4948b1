import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { PostgresStore } from "../../extensions/durability/postgres/postgres-store.ts";
import { documentOf } from "../../server/stored-state.ts";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { deepCases, type HostileCase, hostileCases } from "../support/fuzz/hostile-updates.ts";
import { type LocalNode, type LocalNodeOptions, startLocalNode } from "../support/local-node.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { authenticationFrame, syncStep1Frame, updateFrame } from "../support/wire-frames.ts";

/** Sends the updates of a case, and waits until the server has had its say. @returns The code it was closed with. */
async function send({ url }: Pick<LocalNode, "url">, documentName: string, updates: readonly Uint8Array[]) {
	const ws = new WebSocket(url);
	await once(ws, "open");
	const closed = once(ws, "close").then(([code]) => code as number);
	ws.send(authenticationFrame(documentName));
	ws.send(syncStep1Frame(documentName));
	for (const update of updates) ws.send(updateFrame(documentName, update));
	const answered = once(ws, "pong");
	ws.ping();
	const code = await Promise.race([answered.then(() => undefined), closed]);
	// One turn later the updates are applied, and who sent them may be closed for it.
	await new Promise((resolve) => setImmediate(resolve));
	ws.close();
	await closed;
	return code;
}

async function agree(people: readonly Client[]): Promise<void> {
	const [first, ...others] = people;
	if (first === undefined) return;
	for (const other of others)
		await eventually(`${other.text.toString().slice(-20)} to be ${first.text.toString().slice(-20)}`, () =>
			Buffer.from(Y.encodeStateVector(other.document)).equals(Y.encodeStateVector(first.document)),
		);
}

/** Does the work for all of them, for eight at a time. */
async function eight<One>(all: readonly One[], work: (one: One) => Promise<void>): Promise<void> {
	const left = [...all];
	await Promise.all(
		Array.from({ length: 8 }, async () => {
			for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
		}),
	);
}

const allowedCloses: readonly (number | undefined)[] = [undefined, 4400];

/** Two people are in the document when it comes; they go on, and a third one opens it. */
async function survive(local: LocalNode, { name, updates }: HostileCase): Promise<string> {
	const people = [await local.client(name).synced(), await local.client(name).synced()];
	people[0]?.type("before ");
	await people[0]?.saved();
	expect(allowedCloses).toContain(await send(local, name, updates));
	for (const person of people) await person.type("after ").saved();
	await agree([...people, await local.client(name).synced()]);
	for (const { closes, denials } of people) expect([...closes, ...denials]).toEqual([]);
	const said = people[0]?.text.toString() ?? "";
	for (const person of people) person.destroy();
	return said;
}

/** Where a node finds again what another one has stored. */
const places: readonly (readonly [name: string, open: () => Promise<() => LocalNodeOptions>])[] = [
	[
		"SQLite",
		async () => {
			const data = temporaryFolder();
			return () => ({ data });
		},
	],
	[
		"Postgres",
		async () => {
			const url = await (await startPostgres()).newDatabase();
			return () => ({ store: new PostgresStore({ url }) });
		},
	],
];

test.for(places)(
	"[TRN5] [CON1] [DUR1] updates that no editor makes cost others in the same document nothing, and leave it so that it can be opened, in %s",
	{ timeout: 180_000 },
	async ([name, open]) => {
		// What Postgres is given is what SQLite is given.
		const cases = hostileCases.filter((_, index) => name === "SQLite" || index % 3 === 0);
		const place = await open();
		const local = await startLocalNode(place());
		const bystander = await local.client("bystander").synced();
		const said = new Map<string, string>();
		await eight(cases, async (one) => void said.set(one.name, await survive(local, one)));
		await bystander.type("unharmed").saved();
		expect(bystander.closes).toEqual([]);
		await local.close();

		const restarted = await startLocalNode(place());
		await eight([...said], async ([name, text]) => {
			const late = await restarted.client(name).synced();
			await late.type("late").saved();
			expect(late.text.toString(), name).toBe(`${text}late`);
			late.destroy();
			await restarted.store.compact(name, { gc: true });
			// As a node makes it of what is stored.
			const compacted = documentOf(await restarted.store.load(name));
			expect(compacted.getText("text").toString(), name).toBe(`${text}late`);
		});
	},
);

test("[TRN5] [DUR1] a document that Yjs does not get to the end of is loaded again, and its people go on where they were told it is saved", async () => {
	const { node, url, client } = await startLocalNode();
	const name = "too deep";
	const [nest, remove] = deepCases(20)[1]?.updates ?? [];
	const people = [await client(name).synced(), await client(name).synced()];
	await people[0]?.type("before ").saved();
	// What runs in the server itself may do anything.
	const inside = await node.openDirectConnection(name);
	await inside.transact((document) => {
		Y.applyUpdate(document, nest ?? new Uint8Array());
		document.gcFilter = () => {
			throw new Error("of somebody's filter");
		};
	});
	await send({ url }, name, [remove ?? new Uint8Array()]);
	for (const person of people) person.type("after ");
	// Nobody is told of it, the log included.
	const edit = inside.transact((document) => document.getText("text").insert(0, "lost "));
	await expect(edit).rejects.toThrow(/can't be stored/);
	await inside.disconnect();
	for (const person of people) await person.saved();
	await agree([...people, await client(name).synced()]);
	expect(people[0]?.text.toString()).toMatch(/^before (after ){2}$/);
	for (const { closes } of people) expect(closes.map(({ code }) => code)).toEqual([4205]);
});
