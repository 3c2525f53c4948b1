import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { PostgresStore, SqliteStore, type Store } from "../../extensions/durability/index.ts";
import { type Client, openClient, openSocket } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/node-process.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { Random, testSeed } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const rounds = Number(process.env.INDELIBLE_KILL_ROUNDS ?? 50);
const documents = 8;
/** Two on a socket of their own, and one who has other documents open on the same socket. */
const writersPerDocument = 3;
const target = fileURLToPath(new URL("../support/kill-target.ts", import.meta.url));

/** Somebody who types numbered words, and notes which of them the server has acknowledged. */
class Writer {
	readonly name: string;
	readonly documentName: string;
	/** Of others, too. */
	readonly #socket: Client["socket"] | undefined;
	readonly #document = new Y.Doc();
	#client: Client | undefined;
	written = 0;
	acknowledged = 0;

	constructor(name: string, documentName: string, socket: Client["socket"] | undefined) {
		this.name = name;
		this.documentName = documentName;
		this.#socket = socket;
	}

	connect(url: string): void {
		const shared = this.#socket === undefined ? {} : { socket: this.#socket };
		const client = openClient({ url, name: this.documentName, document: this.#document, ...shared });
		this.#client = client;
		client.provider.on("unsyncedChanges", ({ number }: { number: number }) => {
			if (number === 0 && client.provider.isSynced) this.acknowledged = this.written;
		});
	}

	/** Leaves the page; what was not acknowledged stays on the device. */
	disconnect(): void {
		this.#client?.destroy();
		this.#client = undefined;
	}

	get isConnected(): boolean {
		return this.#client !== undefined;
	}

	async synced(): Promise<void> {
		await this.#client?.synced();
	}

	async saved(): Promise<void> {
		await this.#client?.saved();
	}

	write(): void {
		this.written += 1;
		this.#document.getArray("words").push([`${this.name}.${this.written}`]);
	}

	words(): string {
		return JSON.stringify(this.#document.getArray("words").toJSON());
	}
}

/** Where the node keeps its documents, and how to read them without it. */
interface Place {
	/** As the target takes it. */
	readonly argument: string;
	store(): Store;
}

async function start(port: number, place: Place): Promise<{ child: ChildProcess; phases: Set<string> }> {
	const child = fork(target, [String(port), place.argument], {
		stdio: ["ignore", "inherit", "inherit", "ipc"],
	});
	onTestFinished(() => {
		child.kill("SIGKILL");
	});
	const phases = new Set<string>();
	child.on("message", (type: string) => phases.add(type));
	await eventually("the node to listen", () => {
		if (child.exitCode !== null) throw new Error(`the node ended with ${child.exitCode}`);
		return phases.has("listening");
	});
	return { child, phases };
}

/** How often each word is in each document of the store, read without the node. */
async function storedWords(place: Place): Promise<Map<string, Map<string, number>>> {
	const store = place.store();
	await store.open();
	const found = new Map<string, Map<string, number>>();
	for (let index = 0; index < documents; index += 1) {
		const documentName = `document ${index}`;
		const { snapshot, entries } = await store.load(documentName);
		const document = new Y.Doc();
		if (snapshot !== undefined) Y.applyUpdate(document, snapshot.update);
		for (const { updates } of entries) for (const update of updates) Y.applyUpdate(document, update);
		found.set(documentName, countWords(document.getArray<string>("words").toJSON()));
	}
	await store.close();
	return found;
}

function countWords(words: readonly string[]): Map<string, number> {
	const counts = new Map<string, number>();
	for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
	return counts;
}

/** In the middle of a commit, a compaction or an unloading; or none at all. */
const moments = ["now", "committed", "compacted", "unloading"] as const;

/** Waits for a moment. In four rounds each has its turn. */
async function momentToKill(
	round: number,
	random: Random,
	phases: Set<string>,
	writers: readonly Writer[],
): Promise<void> {
	const moment = moments[round % moments.length] ?? "now";
	if (moment === "unloading") for (const writer of writers) writer.disconnect();
	else if (moment !== "now") {
		const writer = writers.find(({ isConnected }) => isConnected);
		// Enough for a commit, and for a compaction.
		for (let words = 0; words < 30; words += 1) writer?.write();
		phases.delete(moment);
		// A round in which it does not come is as good as any other.
		await eventually(moment, () => phases.has(moment), 3_000).catch(() => {});
	}
	for (let turns = random.below(20); turns > 0; turns -= 1)
		await new Promise((resolve) => setImmediate(resolve));
}

const places: readonly (readonly [string, number, () => Promise<Place>])[] = [
	["SQLite", rounds, async () => inFolder(temporaryFolder())],
	["Postgres", Math.ceil(rounds / 3), async () => inDatabase((await startPostgres()).url())],
];

function inFolder(data: string): Place {
	return { argument: data, store: () => new SqliteStore({ path: join(data, "indelible.sqlite") }) };
}

function inDatabase(url: string): Place {
	return { argument: url, store: () => new PostgresStore({ url }) };
}

test.for(places)(
	"[DUR1] [DUR4] [DUR6] [CON1] on %s, %i kills at random moments: every acknowledged edit is there, exactly once",
	{
		timeout: 20_000 + rounds * 5_000,
	},
	async ([kind, rounds, newPlace]) => {
		const random = new Random(testSeed(`kill on ${kind}`));
		const place = await newPlace();
		const port = await freePort();
		const url = `ws://127.0.0.1:${port}`;
		const shared = [openSocket({ url }), openSocket({ url })];
		onTestFinished(() => {
			for (const socket of shared) socket.destroy();
		});
		const writers = Array.from({ length: documents * writersPerDocument }, (_, index) => {
			const isShared = index >= documents * (writersPerDocument - 1);
			return new Writer(
				`w${index}`,
				`document ${index % documents}`,
				isShared ? shared[index % shared.length] : undefined,
			);
		});
		const seen = new Set<string>();
		let acknowledgedInAll = 0;
		for (let round = 0; round < rounds; round += 1) {
			const { child, phases } = await start(port, place);
			for (const writer of writers) if (!writer.isConnected) writer.connect(url);
			await Promise.all(writers.map((writer) => writer.synced()));
			const killed = once(child, "exit");
			let remaining = 5 + random.below(120);
			while (remaining > 0) {
				remaining -= 1;
				const writer = random.pick(writers);
				if (!writer.isConnected) writer.connect(url);
				else if (random.chance(0.05)) writer.disconnect();
				else writer.write();
				if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
				// What it writes next comes alone.
				if (random.chance(0.05)) await Promise.all(writers.map((each) => each.saved()));
			}
			await momentToKill(round, random, phases, writers);
			child.kill("SIGKILL");
			await killed;
			for (const phase of phases) seen.add(phase);
			const stored = await storedWords(place);
			for (const { name, documentName, acknowledged } of writers) {
				for (let word = 1; word <= acknowledged; word += 1) {
					const count = stored.get(documentName)?.get(`${name}.${word}`);
					expect(count, `round ${round}: ${name}.${word}`).toBe(1);
				}
			}
			acknowledgedInAll = writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
		}
		const { child } = await start(port, place);
		for (const writer of writers) if (!writer.isConnected) writer.connect(url);
		await Promise.all(writers.map((writer) => writer.saved()));
		for (let index = 0; index < documents; index += 1) {
			const group = writers.filter(({ documentName }) => documentName === `document ${index}`);
			await eventually(
				"both writers to agree",
				() => new Set(group.map((writer) => writer.words())).size === 1,
			);
			const counts = countWords(JSON.parse(group[0]?.words() ?? "[]"));
			for (const writer of group) {
				for (let word = 1; word <= writer.written; word += 1)
					expect(counts.get(`${writer.name}.${word}`)).toBe(1);
			}
		}
		for (const writer of writers) writer.disconnect();
		child.kill("SIGKILL");
		console.info(
			`kill on ${kind}: ${rounds} rounds, ${acknowledgedInAll} acknowledged edits, phases hit: ${[...seen].join(", ")}`,
		);
		// Otherwise the kills proved less than the title says.
		expect(acknowledgedInAll).toBeGreaterThan(rounds);
		expect(seen).toContain("committed");
		expect(seen).toContain("compacted");
	},
);
