import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Random } from "./random.ts";

/** One bit of a file that is to be turned over. */
export interface Flip {
	readonly offset: number;
	readonly bit: number;
}

/** A bit of a page chosen by chance; every `step`-th page of the file gets one. */
export function flipsInPages(path: string, pageBytes: number, random: Random, step = 1): Flip[] {
	const pages = Math.floor(statSync(path).size / pageBytes);
	const flips: Flip[] = [];
	for (let page = random.below(step); page < pages; page += step) {
		flips.push({ offset: page * pageBytes + random.below(pageBytes), bit: random.below(8) });
	}
	return flips;
}

export function flipBit(path: string, { offset, bit }: Flip): void {
	const file = openSync(path, "r+");
	try {
		const byte = Buffer.alloc(1);
		readSync(file, byte, 0, 1, offset);
		byte[0] = (byte[0] ?? 0) ^ (1 << bit);
		writeSync(file, byte, 0, 1, offset);
	} finally {
		closeSync(file);
	}
}

/** Changes a store's database behind its back, as a sqlite3 shell would. The store must be closed. */
export function tamper(path: string, change: (database: DatabaseSync) => void): void {
	const database = new DatabaseSync(path);
	try {
		change(database);
	} finally {
		database.close();
	}
}
