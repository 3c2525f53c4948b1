/**
 * Patterns for document names: `*` stands for any characters, also none and also `/`; everything else stands for itself,
 * upper and lower case apart. There is no escape, so a name that holds a `*` can be meant only by a pattern that matches
 * others as well. Pure, and linear in the name for each `*`: a pattern from a token can't be made slow.
 */
export function matches(pattern: string, name: string): boolean {
	const [head = "", ...parts] = pattern.split("*");
	if (parts.length === 0) return pattern === name;
	const tail = parts.pop() ?? "";
	const end = name.length - tail.length;
	if (!name.startsWith(head) || head.length > end || !name.endsWith(tail)) return false;
	let from = head.length;
	for (const part of parts) {
		const found = name.indexOf(part, from);
		if (found === -1 || found + part.length > end) return false;
		from = found + part.length;
	}
	return true;
}

/** The higher, the more specific: a name without `*` before every pattern, then whoever spells out more characters. */
export function specificity(pattern: string): number {
	const literals = pattern.replaceAll("*", "").length;
	return literals === pattern.length ? Number.POSITIVE_INFINITY : literals;
}
