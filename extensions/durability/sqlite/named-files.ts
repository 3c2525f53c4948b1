import { type Stats, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Longer than the steps in which any file system tells the time; two seconds are the longest. */
const settledAfterMs = 3_000;
/** However long nothing has changed in the folder, there is a look into it so often. */
const lookAgainAfterMs = 1_000;

/** A folder in which each name stood for its file. */
interface Known {
	readonly folder: Stats;
	/** When it was first seen like that, on the clock that is never set. */
	readonly sinceMs: number;
	/** When the last look into it was. */
	readonly lookedMs: number;
	/** Whether it had been like that for so long by then that no change since can have the same time. */
	readonly isSettled: boolean;
}

/**
 * The files that some names in one folder stand for. A file that is open goes on without its name, on Unix, when it is removed, replaced, or moved
 * with its folder: what is written there is nowhere that anybody looks.
 *
 * Whoever removes, makes or renames a name changes the folder, and with it the time of its last change, `ctime`, which nobody can set back (as they can
 * `mtime`: `rsync` and `tar` do). So a folder that is as it was needs no look into it, on file systems that keep that time. What is mounted over a file
 * does not change its folder, hides what was written before and since for as long as it is there, and is noticed within a second.
 */
export class NamedFiles {
	readonly #folder: string;
	readonly #paths: readonly string[];
	readonly #files: readonly (Stats | undefined)[];
	readonly #now: () => number;
	readonly #isTold: boolean;
	#known: Known | undefined;

	/**
	 * As they are now.
	 * @param now Milliseconds, on a clock that is never set.
	 * @param isTold Whether the folder's time tells of changes in it.
	 */
	constructor(
		paths: readonly [string, ...string[]],
		now: () => number = () => performance.now(),
		isTold = keepsTimes(dirname(paths[0])),
	) {
		this.#folder = dirname(paths[0]);
		this.#isTold = isTold;
		this.#paths = paths;
		this.#files = paths.map(fileAt);
		this.#now = now;
	}

	/** Whether each name stands for the same file as it did. */
	get areTheSame(): boolean {
		// Before the look into it: what happens after this is seen the next time.
		const folder = fileAt(this.#folder);
		const known = this.#known;
		const isAsKnown = isSame(folder, known?.folder) && folder?.ctimeMs === known?.folder.ctimeMs;
		const nowMs = this.#now();
		const isSettled = isAsKnown && known?.isSettled === true && this.#isTold;
		if (isSettled && nowMs - known.lookedMs < lookAgainAfterMs) return true;
		const areTheSame = this.#paths.every((path, index) => isSame(fileAt(path), this.#files[index]));
		const sinceMs = isAsKnown && known !== undefined ? known.sinceMs : nowMs;
		this.#known =
			areTheSame && folder !== undefined
				? { folder, sinceMs, lookedMs: nowMs, isSettled: nowMs - sinceMs >= settledAfterMs }
				: undefined;
		return areTheSame;
	}
}

/** By what `statfs(2)` calls them: ext2 to ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS. FAT's topmost folder has no times, for one. */
const withTimes: ReadonlySet<number> = new Set([
	0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010,
]);

function keepsTimes(folder: string): boolean {
	try {
		return withTimes.has(statfsSync(folder).type);
	} catch {
		// It is gone, or there is no telling.
		return false;
	}
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
	return one?.ino === other?.ino && one?.dev === other?.dev;
}

function fileAt(path: string): Stats | undefined {
	return statSync(path, { throwIfNoEntry: false });
}
