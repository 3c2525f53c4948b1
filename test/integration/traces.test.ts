import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import * as Y from "yjs";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A recorded history of several people in one document, see github.com/josephg/editing-traces. */
interface ConcurrentTrace {
	readonly endContent: string;
	readonly numAgents: number;
	readonly txns: readonly {
		readonly parents: readonly number[];
		readonly agent: number;
		readonly patches: readonly [position: number, deleted: number, inserted: string][];
	}[];
}

const folder = process.env.INDELIBLE_TRACES ?? "../shared/traces";
const path = join(folder, "clownschool.concurrent.json.gz");

/** One author's own copy, which knows exactly what the author knew at each edit. */
class Author {
	readonly document = new Y.Doc();
	readonly client: Client;
	readonly #known = new Set<number>();

	constructor(agent: number, client: Client) {
		this.document.clientID = agent + 1;
		this.client = client;
	}

	/** Makes the edit as it was made, has the author's provider send it, and returns it as a Yjs update. */
	async replay(index: number, trace: ConcurrentTrace, updates: readonly Uint8Array[]): Promise<Uint8Array> {
		const { parents, patches } = trace.txns[index] as ConcurrentTrace["txns"][number];
		this.#learn(parents, trace, updates);
		await this.#receive();
		const made = Promise.withResolvers<Uint8Array>();
		this.document.once("update", made.resolve);
		const text = this.document.getText("text");
		this.document.transact(() => {
			for (const [position, deleted, inserted] of patches) {
				if (deleted > 0) text.delete(position, deleted);
				if (inserted !== "") text.insert(position, inserted);
			}
		});
		this.#known.add(index);
		const update = await made.promise;
		Y.applyUpdate(this.client.document, update, "typed");
		return update;
	}

	#learn(versions: readonly number[], trace: ConcurrentTrace, updates: readonly Uint8Array[]): void {
		const missing: number[] = [];
		const waiting = [...versions];
		for (let version = waiting.pop(); version !== undefined; version = waiting.pop()) {
			if (this.#known.has(version)) continue;
			this.#known.add(version);
			missing.push(version);
			waiting.push(...(trace.txns[version]?.parents ?? []));
		}
		missing.sort((a, b) => a - b);
		this.document.transact(() => {
			for (const version of missing) Y.applyUpdate(this.document, updates[version] as Uint8Array);
		});
	}

	/** Waits until the server has passed on what the author had seen. */
	async #receive(): Promise<void> {
		const { store } = this.client.document;
		const hasAll = () =>
			[...this.document.store.clients.keys()].every(
				(id) => Y.getState(store, id) >= Y.getState(this.document.store, id),
			);
		while (!hasAll()) await new Promise((resolve) => setImmediate(resolve));
	}
}

test.runIf(existsSync(path))(
	"[CON1] a real history of several people, replayed by as many providers, ends as it did then, also after a restart",
	{ timeout: 180_000 },
	async () => {
		const trace: ConcurrentTrace = JSON.parse(gunzipSync(readFileSync(path)).toString());
		const data = temporaryFolder();
		const { client, close } = await startLocalNode({ data });
		const clients = await Promise.all(
			Array.from({ length: trace.numAgents }, () => client("clownschool").synced()),
		);
		const authors = clients.map((one, agent) => new Author(agent, one));
		const updates: Uint8Array[] = [];
		for (const [index, { agent }] of trace.txns.entries()) {
			updates.push(await (authors[agent] as Author).replay(index, trace, updates));
			// Now and then sockets and timers have their turn, as they have between keystrokes.
			if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
		}
		for (const one of clients) await one.saved(60_000);
		for (const one of clients) {
			await eventually("every client to have it all", () => one.text.toString() === trace.endContent, 60_000);
		}
		await close();

		const restarted = await startLocalNode({ data });
		const reader = await restarted.client("clownschool").synced();
		expect(reader.text.toString()).toBe(trace.endContent);
	},
);

test("the recorded histories are where the option says", ({ skip }) => {
	if (!existsSync(path)) skip(`no ${path}: set INDELIBLE_TRACES to a folder with the editing traces`);
	expect(existsSync(path)).toBe(true);
});
