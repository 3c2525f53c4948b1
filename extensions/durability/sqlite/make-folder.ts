import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder and those that it is in, one level after the other: where a file system refuses with ENOENT, as `/proc` does, Node.js'
 * own way of making several at once tries for ever.
 * @param folder Absolute.
 * @returns Those that were not there, the outermost first.
 */
export function makeFolder(folder: string): string[] {
	const missing: string[] = [];
	for (let at = folder; !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at);
	const made: string[] = [];
	for (const each of missing) {
		try {
			mkdirSync(each);
			made.push(each);
		} catch (error) {
			// Somebody else has made it meanwhile.
			if (!existsSync(each)) throw error;
		}
	}
	return made;
}
