import { ContentAny, ContentDoc, ContentEmbed, ContentFormat, ContentJSON, type Item } from "yjs";

/**
 * How deep plain values may be nested in values. Yjs 13.6 reads them by recursion, and has more or less room for that on different
 * machines: what the server can read, a client may not, and would be without it.
 */
const levelsMax = 200;

/** Whether the values that an item holds are nested too deep. */
export function isTooDeep(content: Item["content"]): boolean {
	if (content instanceof ContentAny || content instanceof ContentJSON) return areDeep(content.arr);
	if (content instanceof ContentEmbed) return areDeep([content.embed]);
	if (content instanceof ContentFormat) return areDeep([content.value]);
	return content instanceof ContentDoc && areDeep([content.opts]);
}

/** Whether values are. Level by level: a recursion of ours would end where theirs does. */
export function areDeep(values: readonly unknown[]): boolean {
	let objects = values.filter(isContainer);
	for (let level = 1; objects.length > 0; level += 1) {
		if (level > levelsMax) return true;
		objects = objects.flatMap((object) => Object.values(object).filter(isContainer));
	}
	return false;
}

function isContainer(value: unknown): value is object {
	return typeof value === "object" && value !== null && !(value instanceof Uint8Array);
}
