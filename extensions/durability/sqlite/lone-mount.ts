import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Where proc(5) tells what is mounted for this process; on Linux alone. */
const mountsPath = "/proc/self/mountinfo";

/**
 * Whether a file is mounted from another file system than that of its folder, as in a container that is given a single file of the host. What
 * SQLite has beside it stays in the container then: its write-ahead log, which holds what was written last.
 */
export function isMountedAlone(path: string): boolean {
	// A container's own file system may show its files as being on another device, so that is no proof.
	return statSync(path).dev !== statSync(dirname(path)).dev && isMountPoint(path);
}

function isMountPoint(path: string): boolean {
	let mounts: string;
	try {
		mounts = readFileSync(mountsPath, "utf8");
	} catch {
		return false;
	}
	return mounts.split("\n").some((line) => unescaped(line.split(" ")[4] ?? "") === path);
}

/** Spaces and the like stand there as octal numbers. */
function unescaped(path: string): string {
	return path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
		String.fromCharCode(Number.parseInt(digits, 8)),
	);
}
