/**
 * Whether a provider is at least as new as `minimum`, such as `4.2` or `4.2.1`. What follows the numbers does not count. One that
 * does not say its version is older than any that does.
 */
export function isAtLeast(version: string | null, minimum: string): boolean {
	if (version === null || !/^\d+\./.test(version)) return false;
	const found = numbersOf(version);
	for (const [index, wanted] of numbersOf(minimum).entries()) {
		const number = found[index] ?? 0;
		if (number !== wanted) return number > wanted;
	}
	return true;
}

function numbersOf(version: string): number[] {
	return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? "").split(".").map(Number);
}
