import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { StoreConfigurationError } from "../store.ts";

/**
 * Makes the folder and finds the file's real name, so that one file reached by two ways has one lock.
 * @throws {StoreConfigurationError}
 */
export function locate(path: string): string {
	const absolute = resolve(path);
	const folder = dirname(absolute);
	try {
		makeFolder(folder);
		return existsSync(absolute) ? realpathSync(absolute) : join(realpathSync(folder), basename(absolute));
	} catch (cause) {
		throw new StoreConfigurationError(
			`the data folder ${folder} can't be made: ${(cause as Error).message}. Give one that this process may write.`,
			{ cause },
		);
	}
}

function makeFolder(folder: string): void {
	const first = mkdirSync(folder, { recursive: true });
	if (first === undefined) return;
	for (let at = folder; at.length >= first.length; at = dirname(at)) syncFolder(dirname(at));
}

/** Makes the names in a folder durable. Windows can't, and does not need to. */
export function syncFolder(folder: string): void {
	if (process.platform === "win32") return;
	const handle = openSync(folder, "r");
	try {
		fsyncSync(handle);
	} finally {
		closeSync(handle);
	}
}
