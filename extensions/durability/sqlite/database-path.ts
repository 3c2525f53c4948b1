import { closeSync, existsSync, fsyncSync, openSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { StoreConfigurationError } from "../store.ts";
import { makeFolder } from "./make-folder.ts";

/**
 * Makes the folder and finds the file's real name, so that one file reached by two ways has one lock.
 * @throws {StoreConfigurationError}
 */
export function locate(path: string): string {
	const absolute = resolve(path);
	const folder = dirname(absolute);
	try {
		for (const made of makeFolder(folder)) syncFolder(dirname(made));
		return existsSync(absolute) ? realpathSync(absolute) : join(realpathSync(folder), basename(absolute));
	} catch (cause) {
		throw new StoreConfigurationError(
			`the data folder ${folder} can't be made: ${(cause as Error).message}. Give one that this process may write.`,
			{ cause },
		);
	}
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
