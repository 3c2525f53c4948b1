import { randomBytes } from "node:crypto";
import { closeSync, existsSync, linkSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError, unwritable } from "./user-error.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const mark = "-unfinished-";
const unfinishedName = new RegExp(`${mark}[0-9a-f]{12}$`);

/**
 * A file beside the one that it will be, with a name that nobody else has. There is nothing under the final name until it is whole. It
 * is removed when the process is ended by a signal that can be heard.
 */
export class UnfinishedFile {
	readonly path: string;
	readonly #to: string;
	readonly #onSignal = (signal: NodeJS.Signals) => {
		this.remove();
		// As if nobody had listened.
		process.kill(process.pid, signal);
	};

	/** @throws {UserError} when it can't be made. */
	constructor(to: string) {
		this.#to = to;
		this.path = `${to}${mark}${randomBytes(6).toString("hex")}`;
		for (const signal of signals) process.once(signal, this.#onSignal);
		try {
			closeSync(openSync(this.path, "wx"));
		} catch (error) {
			this.#stopListening();
			throw unwritable(to, error);
		}
	}

	/**
	 * Gives it its name.
	 * @throws {UserError} when somebody else has that by now.
	 */
	finish(): void {
		try {
			linkSync(this.path, this.#to);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "EEXIST" || existsSync(this.#to)) throw taken(this.#to);
			// Not every file system has links.
			renameSync(this.path, this.#to);
		}
	}

	remove(): void {
		this.#stopListening();
		rmSync(this.path, { force: true });
		// SQLite's, when it was killed while it wrote.
		rmSync(`${this.path}-journal`, { force: true });
	}

	#stopListening(): void {
		for (const signal of signals) process.off(signal, this.#onSignal);
	}
}

export function taken(path: string): UserError {
	return new UserError(`${path} is there already; a backup replaces nothing`);
}

/** What backups in the folder of this file have left that were killed, or are not done yet. */
export function unfinishedBeside(path: string): string[] {
	const folder = dirname(resolve(path));
	const names = existsSync(folder) ? readdirSync(folder) : [];
	return names.filter((name) => unfinishedName.test(name)).map((name) => join(folder, basename(name)));
}
