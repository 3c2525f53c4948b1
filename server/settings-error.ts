/** One thing that is wrong with the settings. */
export interface SettingProblem {
	/** Where it was given: "the environment", a file's path. */
	readonly where: string;
	/** As it was written there: `--port`, `INDELIBLE_PORT`, `port`. */
	readonly name: string;
	/** What is wrong with it, to be read after the name. */
	readonly problem: string;
	/** Other settings that it names, by their names in code. */
	readonly others?: readonly string[];
}

/** Where a setting was given that a node, which does not know, finds fault with. */
export const theSettings = "the settings";

/** Settings that can't be right, all of them at once. Trying again won't help. */
export class SettingsError extends Error {
	override readonly name = "SettingsError";
	readonly problems: readonly SettingProblem[];

	constructor(problems: readonly SettingProblem[]) {
		super(problems.map(({ where, name, problem }) => `${name} (from ${where}) ${problem}`).join("\n"));
		this.problems = problems;
	}
}

/** @returns `; did you mean port?` when one of the candidates is likely meant, otherwise nothing. */
export function didYouMean(written: string, candidates: readonly string[]): string {
	const distances = candidates.map((candidate) => ({
		candidate,
		distance: editDistance(written, candidate),
	}));
	const nearest = distances.sort((a, b) => a.distance - b.distance)[0];
	if (nearest === undefined || nearest.distance > Math.max(2, written.length * 0.3)) return "";
	return `; did you mean ${nearest.candidate}?`;
}

/** Least number of letters to insert, delete, replace or swap with their neighbour; case does not count. */
function editDistance(a: string, b: string): number {
	const from = a.toLowerCase();
	const to = b.toLowerCase();
	let beforePrevious: number[] = [];
	let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
	for (let row = 1; row <= from.length; row += 1) {
		const current = [row];
		for (let column = 1; column <= to.length; column += 1) {
			const at = (cells: readonly number[], index: number) => cells[index] ?? 0;
			const replaced = at(previous, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1);
			let least = Math.min(at(previous, column) + 1, at(current, column - 1) + 1, replaced);
			const isSwapped = row > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
			if (isSwapped && column > 1) least = Math.min(least, at(beforePrevious, column - 2) + 1);
			current.push(least);
		}
		beforePrevious = previous;
		previous = current;
	}
	return previous.at(-1) ?? 0;
}
