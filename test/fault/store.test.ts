import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { SqliteStore } from "../../extensions/durability/sqlite/sqlite-store.ts";
import { StoredDocuments } from "../../extensions/durability/sqlite/stored-documents.ts";
import {
	DamagedDocumentError,
	type Store,
	StoreConfigurationError,
	StoreUnavailableError,
} from "../../extensions/durability/store.ts";
import { flipBit, tamper } from "../support/damage.ts";
import { copyOf, fillWithEveryShape } from "../support/damage-corpus.ts";
import { eventually } from "../support/eventually.ts";
import { mountFile, mountReadOnly, skipUnlessMounting, smallDisk } from "../support/mounts.ts";
import { Random, testSeed } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { stateOf, Typist } from "../support/typist.ts";

const appender = fileURLToPath(new URL("../support/append-target.ts", import.meta.url));

async function openStore(path: string): Promise<SqliteStore> {
	const store = new SqliteStore({ path });
	await store.open();
	onTestFinished(() => store.close());
	return store;
}

/** A database with one document, "a", that says "kept"; closed. */
async function writtenDatabase(path = join(temporaryFolder(), "indelible.sqlite")): Promise<string> {
	const store = await openStore(path);
	expect(await append(store, "a", new Typist().type("kept"))).toBe("durable");
	await store.close();
	return path;
}

async function append(store: Store, documentName: string, update: Uint8Array): Promise<string> {
	const [result] = await store.append([{ documentName, updates: [update] }]);
	return result?.status ?? "nothing";
}

async function refusal(path: string): Promise<StoreConfigurationError> {
	const error = await new SqliteStore({ path }).open().then(
		() => undefined,
		(thrown: unknown) => thrown,
	);
	expect(error).toBeInstanceOf(StoreConfigurationError);
	return error as StoreConfigurationError;
}

test("[DUR1] the connection that writes has a write-ahead log and syncs it at each commit", async () => {
	const store = await openStore(join(temporaryFolder(), "indelible.sqlite"));
	await append(store, "a", new Typist().type("a"));
	expect(await store.diagnostics()).toMatchObject({ journalMode: "wal", synchronous: 2, schemaVersion: 1 });
});

test("[DUR1] a second store on the same file is refused, by whatever way it comes, with the holder's name", async () => {
	const folder = temporaryFolder();
	const path = join(folder, "data", "indelible.sqlite");
	mkdirSync(join(folder, "data"));
	symlinkSync(join(folder, "data"), join(folder, "link"));
	const store = await openStore(path);
	for (const way of [path, join(folder, "link", "indelible.sqlite")]) {
		const { message } = await refusal(way);
		expect(message).toContain(`is in use by process ${process.pid} on `);
		expect(message).toContain("Stop that one first");
	}
	expect(await append(store, "a", new Typist().type("still ours"))).toBe("durable");
	await store.close();
	await openStore(path);
});

test("[DUR1] a second process is refused while the first one lives, and let in once it was killed", async () => {
	const path = join(temporaryFolder(), "indelible.sqlite");
	const first = await startAppender(path, 1);
	expect((await refusal(path)).message).toContain(`is in use by process ${first.child.pid} on `);
	await first.kill();
	await openStore(path);
});

test("[DUR1] a database that is mounted without its folder is refused: what is durable would be in a write-ahead log that stays behind", async (context) => {
	skipUnlessMounting(context);
	const there = await writtenDatabase(join(smallDisk(4 * 1024 * 1024), "indelible.sqlite"));
	const here = join(temporaryFolder(), "of all", "indelible.sqlite");
	mkdirSync(dirname(here));
	writeFileSync(here, "");
	mountFile(there, here);
	expect((await refusal(here)).message).toContain("Mount the folder");
	expect(existsSync(`${here}-wal`)).toBe(false);
});

describe("[DUR1] nothing is reported as durable that nobody would find", () => {
	const moved = /was removed, replaced or moved .*SQLITE_READONLY_DBMOVED/;

	/** A store in which "a" says "kept", and what comes next. */
	async function openedStore() {
		const path = join(temporaryFolder(), "data", "indelible.sqlite");
		const store = await openStore(path);
		const typist = new Typist();
		await append(store, "a", typist.type("kept"));
		// Its reading connection is open, too.
		await store.load("a");
		return { path, store, more: typist.type(", and more") };
	}

	async function textAgain(store: Store): Promise<string> {
		return eventually("to read again", () => store.load("a").then(stateOf, () => undefined));
	}

	test("while the folder is elsewhere; when it is back, all goes on", async () => {
		const { path, store, more } = await openedStore();
		const folder = dirname(path);
		renameSync(folder, `${folder}-elsewhere`);
		await expect(append(store, "a", more)).rejects.toThrow(/is gone/);
		await expect(store.load("a")).rejects.toThrow(StoreUnavailableError);
		renameSync(`${folder}-elsewhere`, folder);
		expect(await append(store, "a", more)).toBe("durable");
		expect(await textAgain(store)).toBe("kept, and more");
	});

	test("after an older copy has taken the file's place: from then on, it is the store", async () => {
		const { path, store, more } = await openedStore();
		await store.close();
		copyFileSync(path, `${path}-copy`);
		await store.open();
		expect(await append(store, "b", more)).toBe("durable");
		renameSync(`${path}-copy`, path);
		await expect(append(store, "a", more)).rejects.toThrow(moved);
		expect(await append(store, "a", more)).toBe("durable");
		expect(await textAgain(store)).toBe("kept, and more");
		await store.close();
		const again = await openStore(path);
		expect(await textAgain(again)).toBe("kept, and more");
		expect((await again.load("b")).position).toBe(0);
	});

	test("after its write-ahead log was removed, of which nothing is lost", async () => {
		const { path, store, more } = await openedStore();
		rmSync(`${path}-wal`);
		await expect(append(store, "a", more)).rejects.toThrow(moved);
		expect(await append(store, "a", more)).toBe("durable");
		await expect(store.load("a")).rejects.toThrow(moved);
		expect(await textAgain(store)).toBe("kept, and more");
		await store.close();
		expect(await textAgain(await openStore(path))).toBe("kept, and more");
	});

	test("and SQLite's own lock is held all the time: without it, the sqlite3 shell takes the write-ahead log away when it ends", async (context) => {
		context.skip(!existsSync("/proc/locks"), "the system does not list locks");
		const { path } = await openedStore();
		const { ino } = statSync(path);
		expect(readFileSync("/proc/locks", "utf8")).toContain(`:${ino} `);
	});

	test("after its lock was removed and somebody else has the file", async () => {
		const { path, store, more } = await openedStore();
		rmSync(`${path}-lock`);
		const other = await openStore(path);
		expect(await append(other, "a", new Typist().type("By the other. "))).toBe("durable");
		await expect(append(store, "a", more)).rejects.toThrow(/in use by process/);
		await other.close();
		expect(await append(store, "a", more)).toBe("durable");
		const { position } = await store.load("a");
		expect(position).toBe(3);
		expect(await textAgain(store)).toContain("By the other. ");
	});
});

test("a newer schema version is refused, and the file stays as it is", async () => {
	const path = await writtenDatabase();
	tamper(path, (database) => database.exec("PRAGMA user_version = 99"));
	const before = readFileSync(path);
	expect((await refusal(path)).message).toContain("has schema version 99");
	expect(readFileSync(path).equals(before)).toBe(true);
});

test("somebody else's database is refused, with the way to take it over", async () => {
	const path = join(temporaryFolder(), "theirs.sqlite");
	tamper(path, (database) => database.exec(`CREATE TABLE "documents" ("name" varchar(255), "data" blob)`));
	expect((await refusal(path)).message).toContain("indelible import");
});

test("[DUR5] tables that somebody changed are refused", async () => {
	const path = await writtenDatabase();
	tamper(path, (database) => database.exec("DROP INDEX log_by_position"));
	expect((await refusal(path)).message).toContain("damaged or changed");
});

for (const [what, spoil] of [
	["an empty file", (path: string) => truncateSync(path, 0)],
	["a file cut off in its header", (path: string) => truncateSync(path, 60)],
	["a file of something else", (path: string) => writeFileSync(path, "My notes\n".repeat(200))],
] as const) {
	test(`[DUR5] ${what} is not taken for a new store`, async () => {
		const path = await writtenDatabase();
		spoil(path);
		const before = readFileSync(path);
		expect((await refusal(path)).message).toContain(path);
		expect(readFileSync(path).equals(before)).toBe(true);
	});
}

test("[DUR5] a file that is longer than its header says is refused, so that nothing is written over its end", async () => {
	const path = await writtenDatabase();
	const store = await openStore(path);
	await append(store, "large", new Typist().type("x".repeat(20_000)));
	await store.close();
	const pages = readFileSync(path).readUInt32BE(28);
	expect(pages).toBe(statSync(path).size / 512);
	const lowestBit = Math.log2(pages & -pages);
	flipBit(path, { offset: 31 - Math.floor(lowestBit / 8), bit: lowestBit % 8 });
	const before = readFileSync(path);
	expect((await refusal(path)).message).toContain("its header");
	expect(readFileSync(path).equals(before)).toBe(true);
});

test("[DUR5] a write-ahead log whose database is missing is not taken for a new store", async () => {
	const folder = temporaryFolder();
	writeFileSync(join(folder, "indelible.sqlite-wal"), "frames");
	expect((await refusal(join(folder, "indelible.sqlite"))).message).toContain("holds data");
	expect(existsSync(join(folder, "indelible.sqlite"))).toBe(false);
});

test("[DUR5] a file that lost its end is refused, or what it lost is, and never served as less", async () => {
	const random = new Random(testSeed("truncated file"));
	const whole = join(temporaryFolder(), "whole.sqlite");
	const source = await openStore(whole);
	const corpus = await fillWithEveryShape(source, random);
	await source.close();
	const { size } = statSync(whole);
	for (let round = 0; round < 12; round += 1) {
		const path = join(temporaryFolder(), "indelible.sqlite");
		writeFileSync(path, readFileSync(whole).subarray(0, 512 + random.below(size - 513)));
		const store = new SqliteStore({ path });
		const opened = await store.open().then(
			() => true,
			(error: unknown) => {
				expect(error).toBeInstanceOf(StoreConfigurationError);
				return false;
			},
		);
		if (!opened) continue;
		for (const [name, expected] of corpus) {
			const stored = await store.load(name).then(copyOf, (error: unknown) => error);
			if (!(stored instanceof DamagedDocumentError)) expect(stored, name).toEqual(expected);
		}
		await store.close();
	}
});

test("[DUR3] a read-only file is refused at start, with the reason, and opens when it is writable again", async (context) => {
	skipUnlessMounting(context);
	const path = await writtenDatabase();
	const release = mountReadOnly(path);
	expect((await refusal(path)).message).toMatch(/can't be opened for writing.*must be writable/);
	release();
	expect(stateOf(await (await openStore(path)).load("a"))).toBe("kept");
});

test("[DUR3] a read-only folder is refused at start, with the reason", async (context) => {
	skipUnlessMounting(context);
	const path = await writtenDatabase();
	const release = mountReadOnly(dirname(path));
	expect((await refusal(path)).message).toContain("must be writable");
	expect((await refusal(join(dirname(path), "new.sqlite"))).message).toContain("must be writable");
	// Whoever only reads is not told of writing.
	expect(() => new StoredDocuments(path)).toThrow(/can't be opened for reading.*must be readable/);
	release();
	expect(stateOf(await (await openStore(path)).load("a"))).toBe("kept");
});

test("[DUR1] [DUR4] after a kill in the middle of appends and compactions every append that resolved is there", {
	timeout: 120_000,
}, async () => {
	const random = new Random(testSeed("killed appender"));
	const path = join(temporaryFolder(), "indelible.sqlite");
	let durableInAll = 0;
	for (let round = 0; round < 15; round += 1) {
		const appender = await startAppender(path, random.below(2 ** 31));
		const target = 1 + random.below(300);
		await eventually(`word ${target}`, () => appender.words > target);
		await appender.kill();
		const store = await openStore(path);
		for (const [name, words] of appender.durable) {
			const found = stateOf(await store.load(name))
				.replaceAll("x", "")
				.split(" ")
				.slice(0, -1);
			expect(found.length, `round ${round}, document ${name}`).toBeGreaterThanOrEqual(words);
			expect(found).toEqual(found.map((_, index) => String(index + 1)));
		}
		await store.close();
		durableInAll += appender.words;
	}
	console.info(`killed appender: ${durableInAll} appends had resolved`);
});

interface Appender {
	readonly child: ChildProcess;
	/** Per document, how many of its words were reported as durable. */
	readonly durable: ReadonlyMap<string, number>;
	/** How many appends have resolved. */
	readonly words: number;
	kill(): Promise<void>;
}

/** A process that appends numbered words to documents and compacts them, until it is killed. */
async function startAppender(path: string, seed: number): Promise<Appender> {
	const child = fork(appender, [path, String(seed)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
	const durable = new Map<string, number>();
	let words = 0;
	child.on("message", ([name, last]: [string, number]) => {
		durable.set(name, last);
		words += 1;
	});
	const ended = once(child, "exit");
	const kill = async () => {
		child.kill("SIGKILL");
		await ended;
	};
	onTestFinished(kill);
	await eventually("the first append", () => {
		if (child.exitCode !== null) throw new Error(`the appender ended with ${child.exitCode}`);
		return durable.size > 0;
	});
	return {
		child,
		durable,
		get words() {
			return words;
		},
		kill,
	};
}
