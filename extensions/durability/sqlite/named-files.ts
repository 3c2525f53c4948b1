import { type Stats, statSync } from "node:fs";
import { dirname } from "node:path";

/** Longer than the steps in which any file system tells the time; two seconds are the longest. */
const settledAfterMs = 3_000;

/** A folder in which each name stood for its file. */
interface Known {
	readonly folder: Stats;
	/** When it was first seen like that, on the clock that is never set. */
	readonly sinceMs: number;
	/** Whether it has been like that for so long that no change since the last look into it can have the same time. */
	readonly isSettled: boolean;
}

/**
 * The files that some names in one folder stand for. A file that is open goes on without its name, on Unix, when it is removed, replaced, or moved
 * with its folder: what is written there is nowhere that anybody looks.
 *
 * Whoever removes, makes or renames a name changes the folder, and with it the time of its last change, `ctime`, which nobody can set back (as they can
 * `mtime`: `rsync` and `tar` do). So a folder that is as it was needs no look into it. Only what is mounted over a file does not change its folder.
 */
export class NamedFiles {
	readonly #folder: string;
	readonly #paths: readonly string[];
	readonly #files: readonly (Stats | undefined)[];
	readonly #now: () => number;
	#known: Known | undefined;

	/**
	 * As they are now.
	 * @param now Milliseconds, on a clock that is never set.
	 */
	constructor(paths: readonly [string, ...string[]], now: () => number = () => performance.now()) {
		this.#folder = dirname(paths[0]);
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
		if (isAsKnown && known?.isSettled) return true;
		const nowMs = this.#now();
		const areTheSame = this.#paths.every((path, index) => isSame(fileAt(path), this.#files[index]));
		const sinceMs = isAsKnown && known !== undefined ? known.sinceMs : nowMs;
		this.#known =
			areTheSame && folder !== undefined
				? { folder, sinceMs, isSettled: nowMs - sinceMs >= settledAfterMs }
				: undefined;
		return areTheSame;
	}
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
	return one?.ino === other?.ino && one?.dev === other?.dev;
}

function fileAt(path: string): Stats | undefined {
	return statSync(path, { throwIfNoEntry: false });
}
