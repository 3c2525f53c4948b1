import { closeSync, fsyncSync, openSync } from "node:fs";

/** Has the system write a file, or a folder's entries, to the disk. @param flags As `openSync` takes them: Windows syncs only what may be written. */
export function syncPath(path: string, flags: "r" | "r+"): void {
	const handle = openSync(path, flags);
	try {
		fsyncSync(handle);
	} finally {
		closeSync(handle);
	}
}
