import { closeSync, openSync, readSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { StoreConfigurationError } from "../store.ts";

/**
 * SQLite believes its list of free pages: one flipped bit in it, and a page that holds somebody's document is given out
 * and written over [DUR5]. So the list is looked through before anything is written.
 *
 * That is cheap because free pages are all zeros (`secure_delete`) and pages in use never are: those of a b-tree begin
 * with its kind, those of a long row with the number of the next one, and the last of these holds the row's last byte,
 * which is not zero in a log row ({@link ./log-chunk.ts}). The format is that of sqlite.org/fileformat2.html#the_freelist.
 * @throws {StoreConfigurationError} when the list names a page that is in use.
 */
export function checkFreePages(database: DatabaseSync, path: string): void {
	if (!isAllInTheFile(database) || isSound(path)) return;
	// Somebody else's tool may have freed pages without wiping them: now only reading everything will tell.
	for (const { quick_check: found } of database.prepare("PRAGMA quick_check(100000)").all()) {
		if (!/freelist|2nd reference/i.test(String(found))) continue;
		throw new StoreConfigurationError(
			`${path} is damaged: it takes pages for free that are in use (${found}). Writing to it would destroy ` +
				"documents. Restore it from a backup.",
		);
	}
}

/** Moves what is in the write-ahead log into the file. */
function isAllInTheFile(database: DatabaseSync): boolean {
	try {
		const moved = database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
		return moved?.busy === 0 && moved.log === moved.checkpointed;
	} catch {
		// On a full disk. What is in the log is durable there, and documents can be read at least.
		return false;
	}
}

function isSound(path: string): boolean {
	return new FreeList(descriptorOf(path)).isSound();
}

/**
 * By their files. They stay open: with any descriptor of a file that it closes, a process loses all its locks on that file (fcntl(2)),
 * SQLite's own among them. The next process that closes the database takes itself for the last one then, and removes the write-ahead
 * log that we go on writing to [DUR1].
 */
const descriptors = new Map<string, number>();

function descriptorOf(path: string): number {
	const { dev, ino } = statSync(path);
	const file = `${dev} ${ino}`;
	const descriptor = descriptors.get(file) ?? openSync(path, "r");
	descriptors.set(file, descriptor);
	return descriptor;
}

/** Call it when this process has no connection to such a database any more. */
export function closeDescriptors(): void {
	for (const descriptor of descriptors.values()) closeSync(descriptor);
	descriptors.clear();
}

const headerBytes = 100;

class FreeList {
	readonly #file: number;
	readonly #header: Buffer;
	readonly #page: Buffer;
	readonly #zeros: Buffer;
	readonly #seen = new Set<number>();

	constructor(file: number) {
		this.#file = file;
		this.#header = Buffer.alloc(headerBytes);
		readSync(file, this.#header, 0, headerBytes, 0);
		const pageBytes = this.#header.readUInt16BE(16);
		// 65536 does not fit into the field and is written as 1.
		this.#page = Buffer.alloc(pageBytes === 1 ? 65_536 : pageBytes);
		this.#zeros = Buffer.alloc(this.#page.byteLength);
	}

	isSound(): boolean {
		let trunk = this.#header.readUInt32BE(32);
		while (trunk !== 0) {
			if (!this.#take(trunk)) return false;
			const leaves = this.#page.readUInt32BE(4);
			if (leaves > this.#page.byteLength / 4 - 2) return false;
			const numbers = Array.from({ length: leaves }, (_, index) => this.#page.readUInt32BE(8 + 4 * index));
			trunk = this.#page.readUInt32BE(0);
			for (const number of numbers) {
				if (!this.#take(number) || !this.#page.equals(this.#zeros)) return false;
			}
		}
		return this.#seen.size === this.#header.readUInt32BE(36);
	}

	/** Reads a page of the list. @returns Whether it exists and was not in the list before. */
	#take(number: number): boolean {
		const bytes = this.#page.byteLength;
		if (number < 2 || this.#seen.has(number)) return false;
		this.#seen.add(number);
		return readSync(this.#file, this.#page, 0, bytes, (number - 1) * bytes) === bytes;
	}
}
