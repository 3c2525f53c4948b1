import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { SqliteStore } from "../../extensions/durability/sqlite/sqlite-store.ts";
import { type AppendResult, type Store, StoreUnavailableError } from "../../extensions/durability/store.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { skipUnlessMounting, smallDisk } from "../support/mounts.ts";
import { Random, testSeed } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { stateOf, Typist } from "../support/typist.ts";

const mebibyte = 1024 * 1024;

async function openStore(path: string, fileBytesMax?: number): Promise<SqliteStore> {
	const store = new SqliteStore({ path, ...(fileBytesMax !== undefined && { fileBytesMax }) });
	await store.open();
	onTestFinished(() => store.close());
	return store;
}

/** Takes what is left of a disk. @returns Gives it back. */
function fillDisk(folder: string): () => void {
	const ballast = join(folder, "ballast");
	const chunk = Buffer.alloc(4096, 1);
	try {
		for (;;) writeFileSync(ballast, chunk, { flag: "a" });
	} catch (error) {
		expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
	}
	return () => rmSync(ballast);
}

/** Appends until the store says that it can't. @returns What it had said was durable, and what it would not take. */
async function appendUntilFull(
	store: Store,
	typist: Typist,
	random: Random,
): Promise<{ durableText: string; refused: Uint8Array; error: StoreUnavailableError }> {
	for (;;) {
		const durableText = typist.text;
		const update = typist.type(`${random.below(1_000_000)} `.repeat(1 + random.below(400)));
		const outcome = await appendOne(store, update);
		if (outcome instanceof StoreUnavailableError) return { durableText, refused: update, error: outcome };
		expect(outcome).toMatchObject({ status: "durable" });
	}
}

function appendOne(
	store: Store,
	update: Uint8Array,
): Promise<AppendResult | StoreUnavailableError | undefined> {
	return store.append([{ documentName: "doc", updates: [update] }]).then(
		([result]) => result,
		(error: unknown) => {
			if (error instanceof StoreUnavailableError) return error;
			throw error;
		},
	);
}

test("[DUR3] a file that has reached its bound takes nothing more, keeps what it has, and goes on with a larger one", async () => {
	const random = new Random(testSeed("file bound"));
	const path = join(temporaryFolder(), "indelible.sqlite");
	const typist = new Typist();
	const store = await openStore(path, 256 * 1024);
	const { durableText, refused, error } = await appendUntilFull(store, typist, random);
	expect(error.code).toBe("SQLITE_FULL");
	expect(stateOf(await store.load("doc"))).toBe(durableText);
	await store.close();
	const larger = await openStore(path, mebibyte);
	expect(await appendOne(larger, refused)).toMatchObject({ status: "durable" });
	expect(stateOf(await larger.load("doc"))).toBe(typist.text);
});

test("[DUR3] compaction gives a full file room again", async () => {
	const random = new Random(testSeed("compaction of a full file"));
	const store = await openStore(join(temporaryFolder(), "indelible.sqlite"), 256 * 1024);
	const typist = new Typist();
	const { durableText, refused } = await appendUntilFull(store, typist, random);
	expect(await store.compact("doc", { gc: true })).toMatchObject({ status: "compacted" });
	expect(stateOf(await store.load("doc"))).toBe(durableText);
	expect(await appendOne(store, refused)).toMatchObject({ status: "durable" });
	expect(stateOf(await store.load("doc"))).toBe(typist.text);
});

test("[DUR3] a full disk: nothing is reported as durable that is not there, and space that is freed is used", async (context) => {
	skipUnlessMounting(context);
	const random = new Random(testSeed("full disk"));
	const disk = smallDisk(6 * mebibyte);
	const path = join(disk, "indelible.sqlite");
	const typist = new Typist();
	let store = await openStore(path);
	for (let round = 0; round < 6; round += 1) {
		const free = fillDisk(disk);
		const { durableText, refused, error } = await appendUntilFull(store, typist, random);
		expect(["SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"]).toContain(error.code);
		expect(stateOf(await store.load("doc"))).toBe(durableText);
		expect(await appendOne(store, refused)).toBeInstanceOf(StoreUnavailableError);
		// Whether a full disk can be relieved in this way depends on what is left of it; the content stays in any case.
		await store.compact("doc", { gc: true }).catch((thrown: unknown) => {
			expect(thrown).toBeInstanceOf(StoreUnavailableError);
		});
		expect(stateOf(await store.load("doc"))).toBe(durableText);
		if (round === 2) {
			await store.close();
			store = await openStore(path).catch(async (thrown: unknown) => {
				// Without room for its index of the write-ahead log SQLite can't open it.
				expect(thrown).toBeInstanceOf(StoreUnavailableError);
				free();
				return openStore(path);
			});
			expect(stateOf(await store.load("doc"))).toBe(durableText);
		}
		rmSync(join(disk, "ballast"), { force: true });
		expect(await appendOne(store, refused)).toMatchObject({ status: "durable" });
		expect(stateOf(await store.load("doc"))).toBe(typist.text);
		await store.compact("doc", { gc: true });
	}
	await store.close();
	expect(stateOf(await (await openStore(path)).load("doc"))).toBe(typist.text);
});

test("[DUR3] a new store on a full disk says so, and leaves nothing half made behind", async (context) => {
	skipUnlessMounting(context);
	const disk = smallDisk(mebibyte);
	const path = join(disk, "indelible.sqlite");
	const free = fillDisk(disk);
	await expect(new SqliteStore({ path }).open()).rejects.toThrow(/full|space/i);
	free();
	const store = await openStore(path);
	expect(await appendOne(store, new Typist().type("a"))).toMatchObject({ status: "durable" });
});

test("[DUR3] a full disk under a node: editing goes on, acknowledgements wait, it says why, and all is kept in the end", async (context) => {
	skipUnlessMounting(context);
	const disk = smallDisk(4 * mebibyte);
	const { node, client, close } = await startLocalNode({ data: disk });
	const ann = await (await client("doc").synced()).saved();
	const ben = await (await client("doc").synced()).saved();
	const eve = await (await client("other").synced()).saved();
	await ann.type("before ").saved();
	const free = fillDisk(disk);
	for (let paragraph = 0; node.readiness().ready; paragraph += 1) {
		ann.type(`${paragraph} ${"x".repeat(2_000)} `);
		await eventually(
			"an acknowledgement or a failure",
			() => !ann.provider.hasUnsyncedChanges || !node.readiness().ready,
		);
	}
	expect(node.readiness().reasons.join()).toMatch(/the store can't be written: .*(full|I\/O)/);
	ben.type("Ben was here ");
	eve.type("and Eve elsewhere ");
	await eventually("Ann to see Ben's edit", () => ann.text.toString() === ben.text.toString());
	const late = await client("doc").synced();
	expect(late.text.toString()).toBe(ann.text.toString());
	for (const { provider } of [ann, ben, eve]) expect(provider.hasUnsyncedChanges).toBe(true);
	expect(ann.closes).toEqual([]);
	free();
	for (const person of [ann, ben, eve]) await person.saved();
	await eventually("the node to be ready", () => node.readiness().ready);
	const [text, elsewhere] = [ann.text.toString(), eve.text.toString()];
	expect(text).toContain("Ben was here");
	await close();
	const store = await openStore(join(disk, "indelible.sqlite"));
	expect(stateOf(await store.load("doc"))).toBe(text);
	expect(stateOf(await store.load("other"))).toBe(elsewhere);
});
