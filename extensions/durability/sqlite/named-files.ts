import { type Stats, statSync } from "node:fs";

/**
 * The files that some names stand for. A file that is open goes on without its name, on Unix, when it is removed, replaced, or moved
 * with its folder: what is written there is nowhere that anybody looks.
 */
export class NamedFiles {
	readonly #paths: readonly string[];
	readonly #files: readonly (Stats | undefined)[];

	/** As they are now. */
	constructor(paths: readonly string[]) {
		this.#paths = paths;
		this.#files = paths.map(fileAt);
	}

	/** Whether each name stands for the same file as it did. */
	get areTheSame(): boolean {
		return this.#paths.every((path, index) => {
			const [now, then] = [fileAt(path), this.#files[index]];
			return now?.ino === then?.ino && now?.dev === then?.dev;
		});
	}
}

function fileAt(path: string): Stats | undefined {
	return statSync(path, { throwIfNoEntry: false });
}
