import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import type { PostgresStore } from "../../extensions/durability/postgres/postgres-store.ts";
import { type AppendRequest, StoreUnavailableError } from "../../extensions/durability/store.ts";
import { eventually } from "../support/eventually.ts";
import { skipUnlessMounting, smallDisk } from "../support/mounts.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { appendTo, openPostgres } from "../support/postgres-stores.ts";
import { Random, testSeed } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { stateOf, Typist } from "../support/typist.ts";

const rounds = Number(process.env.INDELIBLE_POSTGRES_ROUNDS ?? 4);

let server: PostgresServer;
let endServer = async () => {};
/** A new database for each test. */
let url: string;
beforeAll(async () => {
	server = await startPostgres((end) => {
		endServer = end;
	});
	// So that a commit that is not flushed when it is answered stays so for long, and a stop loses it.
	server.configure("synchronous_commit = off", "wal_writer_delay = 10s");
	await server.stop("fast");
	await server.start();
});
afterAll(() => endServer());
beforeEach(async () => {
	url = await server.newDatabase();
});

const database = () => new URL(url).pathname.slice(1);

/** Ends the connections to this test's database, as a failover or an operator does. */
async function endConnections(): Promise<void> {
	await server.query(
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
		[database()],
	);
}

/** A node that writes numbered words into shared documents, and tries again what was not reported as durable. */
class Writer {
	readonly name: string;
	readonly #store: PostgresStore;
	readonly #random: Random;
	readonly #documents = new Map<string, Y.Doc>();
	/** Per document, how many of the words are durable. */
	readonly durable = new Map<string, number>();
	/** Positions that were reported. */
	readonly positions: { readonly documentName: string; readonly position: number }[] = [];
	readonly errors: unknown[] = [];
	#isRunning = true;
	readonly ended: Promise<unknown>;

	constructor(name: string, store: PostgresStore, documentNames: readonly string[], random: Random) {
		this.name = name;
		this.#store = store;
		this.#random = random;
		for (const documentName of documentNames) this.#documents.set(documentName, new Y.Doc());
		this.ended = this.#run();
	}

	get words(): number {
		return this.positions.length;
	}

	stop(): Promise<unknown> {
		this.#isRunning = false;
		return this.ended;
	}

	async #run(): Promise<void> {
		while (this.#isRunning) {
			const batch = this.#batch();
			await this.#append(batch);
			if (this.#random.chance(0.1)) {
				const documentName = this.#random.pick([...this.#documents.keys()]);
				await this.#store.compact(documentName, { gc: true }).catch((error) => this.errors.push(error));
			}
		}
	}

	#batch(): AppendRequest[] {
		const chosen = [...this.#documents].filter(() => this.#random.chance(0.6));
		// Every node has its own order of the same documents.
		chosen.sort(() => this.#random.below(3) - 1);
		return chosen.map(([documentName, document]) => {
			const before = Y.encodeStateVector(document);
			const words = document.getArray<string>("words");
			words.push([`${this.name}.${words.length + 1}`]);
			return { documentName, updates: [Y.encodeStateAsUpdate(document, before)] };
		});
	}

	async #append(batch: readonly AppendRequest[]): Promise<void> {
		for (;;) {
			try {
				const results = await this.#store.append(batch);
				batch.forEach(({ documentName }, index) => {
					const result = results[index];
					if (result?.status !== "durable")
						throw result?.status === "failed" ? result.error : new Error("no result");
					this.positions.push({ documentName, position: result.position });
					this.durable.set(documentName, (this.durable.get(documentName) ?? 0) + 1);
				});
				return;
			} catch (error) {
				this.errors.push(error);
				if (!(error instanceof StoreUnavailableError)) throw error;
				await new Promise((resolve) => setTimeout(resolve, 10));
			}
		}
	}
}

const documentNames = ["a", "b", "c", "d", "e"];

/** Two nodes that write to the same documents until the test has done with them. */
async function twoWriters(random: Random): Promise<[Writer, Writer]> {
	const stores = [await openPostgres({ url }), await openPostgres({ url })] as const;
	const writers: [Writer, Writer] = [
		new Writer("x", stores[0], documentNames, new Random(random.below(2 ** 31))),
		new Writer("y", stores[1], documentNames, new Random(random.below(2 ** 31))),
	];
	onTestFinished(async () => {
		await Promise.allSettled(writers.map((writer) => writer.stop()));
	});
	return writers;
}

/** Reads with a store of its own that every durable word is there once, and nothing is missing between. */
async function expectEverything(writers: readonly Writer[]): Promise<void> {
	const store = await openPostgres({ url });
	const durable = new Map(writers.map((writer) => [writer, new Map(writer.durable)]));
	for (const documentName of documentNames) {
		const { snapshot, entries } = await store.load(documentName);
		const document = new Y.Doc();
		if (snapshot !== undefined) Y.applyUpdate(document, snapshot.update);
		for (const { updates } of entries) for (const update of updates) Y.applyUpdate(document, update);
		const words = document.getArray<string>("words").toArray();
		expect(new Set(words).size, documentName).toBe(words.length);
		for (const writer of writers) {
			const own = words.filter((word) => word.startsWith(`${writer.name}.`));
			expect(own.length, `${writer.name} in ${documentName}`).toBeGreaterThanOrEqual(
				durable.get(writer)?.get(documentName) ?? 0,
			);
			expect(own).toEqual(own.map((_, index) => `${writer.name}.${index + 1}`));
		}
	}
	await store.close();
}

test("[DUR1] [DUR4] two nodes that append to the same documents and compact them: no gap, no deadlock, nothing lost", async () => {
	const writers = await twoWriters(new Random(testSeed("two nodes")));
	await eventually("many appends", () => writers.every(({ words }) => words > 700), 40_000);
	for (const writer of writers) await writer.stop();
	for (const { errors } of writers) expect(errors).toEqual([]);
	for (const documentName of documentNames) {
		const positions = writers
			.flatMap((writer) => writer.positions)
			.filter((reported) => reported.documentName === documentName)
			.map(({ position }) => position)
			.sort((a, b) => a - b);
		expect(positions).toEqual(positions.map((_, index) => index + 1));
	}
	await expectEverything(writers);
	const [deadlocks] = await server.query<{ deadlocks: string }>(
		"SELECT deadlocks FROM pg_stat_database WHERE datname = $1",
		[database()],
	);
	expect(Number(deadlocks?.deadlocks)).toBe(0);
});

describe("[DUR1] [DUR3] under load from two nodes, nothing durable is lost, and both go on by themselves", () => {
	test.for([
		["the server ends at once and starts again, and commits are not flushed by default", crash],
		["the server is stopped in order and starts again", restart],
		["connections are ended", endConnections],
	] as const)("%s", async ([what, trouble]) => {
		const random = new Random(testSeed(what));
		const writers = await twoWriters(random);
		for (let round = 0; round < rounds; round += 1) {
			const target = writers.map(({ words }) => words + 10 + random.below(200));
			await eventually("both to write", () => writers.every(({ words }, at) => words >= (target[at] ?? 0)));
			await trouble();
			await expectEverything(writers);
		}
		// Between two calls, nobody notices that a connection was ended.
		await eventually("somebody to notice", async () => {
			if (writers.some(({ errors }) => errors.length > 0)) return true;
			await trouble();
			return false;
		});
		const words = writers.map((writer) => writer.words);
		await eventually("both to go on", () =>
			writers.every((writer, at) => writer.words > (words[at] ?? 0) + 20),
		);
		for (const writer of writers) await writer.stop();
		await expectEverything(writers);
		const errors = writers.flatMap((writer) => writer.errors);
		expect(errors.length).toBeGreaterThan(0);
		for (const error of errors) expect(error).toBeInstanceOf(StoreUnavailableError);
	});
});

async function crash(): Promise<void> {
	await server.stop("immediate");
	await server.start();
}

async function restart(): Promise<void> {
	await server.stop("fast");
	await server.start();
}

test("[DUR1] what was reported as durable is there when the server crashes the next moment", async () => {
	for (let round = 1; round <= rounds; round += 1) {
		const store = await openPostgres({ url });
		expect(await appendTo(store, "a", Uint8Array.of(round))).toBe("durable");
		await crash();
		await eventually("it to be back", async () => (await store.load("a")).position === round);
		await store.close();
	}
});

test("[DUR1] a commit of which the server warns that no standby has it is not acknowledged", async () => {
	const store = await openPostgres({ url });
	expect(await appendTo(store, "a", Uint8Array.of(1))).toBe("durable");
	await server.query(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`);
	await server.query("SELECT pg_reload_conf()");
	onTestFinished(async () => {
		await server.query("SET synchronous_commit = local", []);
		await server.query("ALTER SYSTEM RESET synchronous_standby_names");
		await server.query("SELECT pg_reload_conf()");
	});
	await eventually("the setting to be read", async () => {
		const [row] = await server.query<Record<string, string>>("SHOW synchronous_standby_names");
		return row?.synchronous_standby_names === "nobody";
	});
	// Whoever makes commits wait reads it before the next checkpoint.
	await server.query("CHECKPOINT");
	const outcome = appendTo(store, "a", Uint8Array.of(2));
	await eventually("the commit to wait for a standby", async () => {
		const waiting = await server.query<{ pid: number }>(
			"SELECT pid FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'SyncRep'",
			[database()],
		);
		for (const { pid } of waiting) await server.query("SELECT pg_cancel_backend($1)", [pid]);
		return waiting.length > 0;
	});
	expect(await outcome).toBeInstanceOf(StoreUnavailableError);
	expect(String(await outcome)).toContain("synchronous replication");
});

test("[DUR3] a statement that takes too long fails, and the next one works", async () => {
	const store = await openPostgres({ url, statementTimeoutMs: 1_500 });
	expect(await appendTo(store, "a", Uint8Array.of(1))).toBe("durable");
	const other = new Client({ connectionString: url });
	await other.connect();
	await other.query("BEGIN");
	await other.query("SELECT FROM indelible.documents FOR UPDATE");
	expect(await appendTo(store, "a", Uint8Array.of(2))).toMatchObject({
		name: "StoreUnavailableError",
		code: "57014",
	});
	expect(await appendTo(store, "b", Uint8Array.of(1))).toBe("durable");
	await other.end();
	expect(await appendTo(store, "a", Uint8Array.of(2))).toBe("durable");
	expect((await store.load("a")).position).toBe(2);
});

test("[DUR3] a server that no longer answers fails calls after a while, and the next ones work when it is back", async () => {
	const store = await openPostgres({ url, statementTimeoutMs: 1_500 });
	expect(await appendTo(store, "a", Uint8Array.of(1))).toBe("durable");
	await store.load("a");
	await store.compact("a", { gc: true }).catch(() => {});
	const pids = (
		await server.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE datname = $1", [database()])
	).map(({ pid }) => pid);
	expect(pids.length).toBeGreaterThan(1);
	const signal = (name: NodeJS.Signals) => {
		for (const pid of pids) process.kill(pid, name);
	};
	signal("SIGSTOP");
	onTestFinished(() => {
		try {
			signal("SIGCONT");
		} catch {
			// They have ended.
		}
	});
	const outcomes = [
		await appendTo(store, "a", Uint8Array.of(2)),
		await store.load("a").catch((error) => error),
		await store.compact("a", { gc: true }).catch((error) => error),
	];
	for (const outcome of outcomes) expect(outcome).toBeInstanceOf(StoreUnavailableError);
	signal("SIGCONT");
	expect(await appendTo(store, "a", Uint8Array.of(3))).toBe("durable");
	// What was not reported as durable may be there nevertheless, and then the caller's next try is there, too.
	expect((await store.load("a")).position).toBeGreaterThanOrEqual(2);
});

test("[DUR3] a database that may only be read serves documents and acknowledges nothing, until it may be written", async () => {
	const store = await openPostgres({ url });
	const typist = new Typist();
	expect(await appendTo(store, "a", typist.type("kept"))).toBe("durable");
	await server.query(`ALTER DATABASE ${database()} SET default_transaction_read_only = on`);
	await endConnections();
	await eventually("new connections", async () => {
		const outcome = await appendTo(store, "a", typist.type(" and more"));
		expect(outcome).toBeInstanceOf(StoreUnavailableError);
		return (outcome as StoreUnavailableError).code === "25006";
	});
	expect(stateOf(await store.load("a"))).toBe("kept");
	await server.query(`ALTER DATABASE ${database()} RESET default_transaction_read_only`);
	await eventually(
		"it to be written",
		async () => (await appendTo(store, "a", typist.type("!"))) === "durable",
	);
});

test("[DUR3] a server without a connection to spare fails calls until it has one", async () => {
	const store = await openPostgres({ url });
	await server.query(`ALTER DATABASE ${database()} CONNECTION LIMIT 0`);
	const role = new URL(url);
	await server.query("DROP ROLE IF EXISTS crowd").catch(() => {});
	await server.query("CREATE ROLE crowd LOGIN PASSWORD 'crowd'");
	await server.query("GRANT ALL ON SCHEMA indelible TO crowd", [], database());
	await server.query("GRANT ALL ON ALL TABLES IN SCHEMA indelible TO crowd", [], database());
	await server.query(`ALTER DATABASE ${database()} CONNECTION LIMIT -1`);
	role.username = "crowd";
	role.password = "crowd";
	const crowded = await openPostgres({ url: String(role) });
	await server.query(`ALTER DATABASE ${database()} CONNECTION LIMIT 0`);
	expect(await appendTo(crowded, "a", Uint8Array.of(1))).toMatchObject({ code: "53300" });
	await server.query(`ALTER DATABASE ${database()} CONNECTION LIMIT -1`);
	expect(await appendTo(crowded, "a", Uint8Array.of(1))).toBe("durable");
	await crowded.close();
	await store.close();
});

test("[DUR3] a full disk fails appends and nothing else; with room they work again", async (context) => {
	skipUnlessMounting(context);
	const disk = smallDisk(2 * 1024 * 1024);
	server.giveFolder(disk);
	const store = await openPostgres({ url });
	expect(await appendTo(store, "a", Uint8Array.of(1))).toBe("durable");
	await server.query(`CREATE TABLESPACE small LOCATION '${disk}'`);
	onTestFinished(async () => {
		await server.query(`DROP DATABASE ${database()} WITH (FORCE)`);
		await server.query("DROP TABLESPACE small");
	});
	await server.query("ALTER TABLE indelible.log SET TABLESPACE small", [], database());
	const chunk = new Random(1).bytes(100_000);
	let outcome: unknown;
	let written = 1;
	for (;;) {
		outcome = await appendTo(store, "a", chunk);
		if (outcome !== "durable") break;
		written += 1;
	}
	expect(outcome).toMatchObject({ name: "StoreUnavailableError", code: "53100" });
	expect(written).toBeGreaterThan(3);
	expect((await store.load("a")).position).toBe(written);
	await server.query("ALTER TABLE indelible.log SET TABLESPACE pg_default", [], database());
	expect(await appendTo(store, "a", chunk)).toBe("durable");
	expect((await store.load("a")).position).toBe(written + 1);
});

test("[CLU3] a follower says when it is deaf, and when it hears again", async () => {
	const [a, b] = [await openPostgres({ url }), await openPostgres({ url })];
	const signals: string[] = [];
	const heard: ((name: string) => boolean)[] = [];
	const listen = (signal: Parameters<Parameters<typeof a.follow.listen>[0]>[0]) => {
		signals.push(signal.type);
		if (signal.type === "announced") heard.push(signal.concerns);
	};
	a.follow.listen(listen);
	await eventually("it to listen", () => signals.at(-1) === "listening");
	for (const trouble of [endConnections, crash]) {
		const count = signals.length;
		await trouble();
		await eventually("it to be deaf", () => signals.slice(count).includes("deaf"));
		await eventually("it to listen again", () => signals.at(-1) === "listening");
		await eventually(
			"the other one to append",
			async () => (await appendTo(b, "a", Uint8Array.of(1))) === "durable",
		);
		await eventually("it to hear of it", () => {
			b.follow.announce(["a"], true);
			return heard.splice(0).some((concerns) => concerns("a"));
		});
	}
	expect(await a.follow.entriesAfter([{ documentName: "a", position: 1 }])).toMatchObject([
		{ status: "entries" },
	]);
});

test("[TRN5] a certificate's file that is missing for a while, as when it is renewed, fails connections and nothing else", async () => {
	const file = join(temporaryFolder(), "authority.pem");
	writeFileSync(file, "");
	const place = new URL(url);
	// Without TLS it is read all the same.
	place.searchParams.set("sslmode", "disable");
	place.searchParams.set("sslrootcert", file);
	const store = await openPostgres({ url: place.href, readersMax: 2 });
	expect(await appendTo(store, "a", Uint8Array.of(1))).toBe("durable");
	const readMany = () => Promise.allSettled(Array.from({ length: 8 }, () => store.load("a")));
	expect((await readMany()).map(({ status }) => status)).toEqual(new Array(8).fill("fulfilled"));
	// More reads than connections: those that wait get connections that are made on their behalf.
	const locking = new Client(url);
	locking.on("error", () => {});
	await locking.connect();
	await locking.query("BEGIN");
	await locking.query("LOCK TABLE indelible.documents IN ACCESS EXCLUSIVE MODE");
	const waiting = readMany();
	renameSync(file, `${file}.old`);
	await endConnections();
	expect((await waiting).map(({ status }) => status)).toEqual(new Array(8).fill("rejected"));
	await eventually("connections to be missed", async () =>
		(await readMany()).every(
			(read) => read.status === "rejected" && read.reason instanceof StoreUnavailableError,
		),
	);
	expect(await appendTo(store, "a", Uint8Array.of(1))).toBeInstanceOf(StoreUnavailableError);
	renameSync(`${file}.old`, file);
	await eventually("it to work", async () => (await appendTo(store, "a", Uint8Array.of(1))) === "durable");
	expect((await store.load("a")).position).toBeGreaterThanOrEqual(2);
});
