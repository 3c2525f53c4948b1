import { closeSync, mkdirSync, openSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { NamedFiles } from "../../extensions/durability/sqlite/named-files.ts";
import { mountFile, skipUnlessMounting } from "../support/mounts.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A database and its log, in a folder that others change as well. */
function makeFiles(isTold?: boolean) {
	const folder = join(temporaryFolder(), "data");
	mkdirSync(folder);
	const [database, log] = [join(folder, "db"), join(folder, "db-wal")];
	writeFileSync(database, "database");
	writeFileSync(log, "log");
	// So that it can be set back to the very same.
	utimesSync(folder, 1_000_000_000, 1_000_000_000);
	// As SQLite has them: nothing that is made anew gets their inodes.
	for (const path of [database, log]) {
		const file = openSync(path, "r");
		onTestFinished(() => closeSync(file));
	}
	let nowMs = 0;
	const files = new NamedFiles([database, log], () => nowMs, isTold);
	const pass = (ms: number) => {
		nowMs += ms;
	};
	return { folder, database, log, files, pass };
}

const changes: readonly [string, (at: ReturnType<typeof makeFiles>) => void][] = [
	["the file is removed", ({ database }) => rmSync(database)],
	["its log is removed", ({ log }) => rmSync(log)],
	[
		"the file is replaced by another one",
		({ database }) => {
			writeFileSync(`${database}-copy`, "database");
			renameSync(`${database}-copy`, database);
		},
	],
	[
		"its log is removed and made anew",
		({ log }) => {
			rmSync(log);
			writeFileSync(log, "log");
		},
	],
	[
		"the file is replaced, and the folder's time is set back, as rsync does",
		({ folder, database }) => {
			writeFileSync(`${database}-copy`, "database");
			renameSync(`${database}-copy`, database);
			utimesSync(folder, 1_000_000_000, 1_000_000_000);
		},
	],
	["the folder is moved", ({ folder }) => renameSync(folder, `${folder}-elsewhere`)],
	[
		"a folder above it is moved, and another one has its name",
		({ folder, database, log }) => {
			const above = dirname(folder);
			renameSync(above, `${above}-elsewhere`);
			mkdirSync(folder, { recursive: true });
			writeFileSync(database, "database");
			writeFileSync(log, "log");
		},
	],
];

describe("[DUR1] files that lose their names are noticed at the next look", () => {
	for (const [what, change] of changes) {
		for (const quietMs of [0, 1, 2_999, 3_000, 1_000_000]) {
			test(`${what}, ${quietMs} ms after the last change in their folder`, () => {
				const made = makeFiles();
				const { files, pass } = made;
				for (const _ of [1, 2, 3]) {
					expect(files.areTheSame).toBe(true);
					pass(quietMs);
				}
				expect(files.areTheSame).toBe(true);
				change(made);
				expect(files.areTheSame).toBe(false);
				expect(files.areTheSame).toBe(false);
			});
		}
	}
});

test("[DUR1] what is mounted over a file, which changes nothing in its folder, is noticed within a second", (context) => {
	skipUnlessMounting(context);
	const { database, files, pass, folder } = makeFiles();
	const other = join(dirname(folder), "other");
	writeFileSync(other, "other");
	for (const ms of [5_000, 5_000, 400]) {
		expect(files.areTheSame).toBe(true);
		pass(ms);
	}
	mountFile(other, database);
	pass(600);
	expect(files.areTheSame).toBe(false);
});

test("[DUR1] where a folder's time does not tell of changes in it, it is not asked", (context) => {
	skipUnlessMounting(context);
	const { database, files, pass, folder } = makeFiles(false);
	const other = join(dirname(folder), "other");
	writeFileSync(other, "other");
	for (const ms of [5_000, 5_000, 5_000]) {
		expect(files.areTheSame).toBe(true);
		pass(ms);
	}
	expect(files.areTheSame).toBe(true);
	mountFile(other, database);
	expect(files.areTheSame).toBe(false);
});

test("what comes and goes beside them does not matter, nor what is written into them", () => {
	const { folder, database, files, pass } = makeFiles();
	for (const name of ["a backup", "another"]) {
		writeFileSync(join(folder, name), "beside");
		expect(files.areTheSame).toBe(true);
		pass(5_000);
		writeFileSync(database, "other content");
		expect(files.areTheSame).toBe(true);
		rmSync(join(folder, name));
		expect(files.areTheSame).toBe(true);
	}
});

test("files that are moved back are the same again", () => {
	const { folder, files, pass } = makeFiles();
	for (const _ of [1, 2]) {
		expect(files.areTheSame).toBe(true);
		pass(5_000);
	}
	renameSync(folder, `${folder}-elsewhere`);
	expect(files.areTheSame).toBe(false);
	renameSync(`${folder}-elsewhere`, folder);
	expect(files.areTheSame).toBe(true);
});
