/** V8 keeps what a text was put together from, each piece an object of its own, until somebody looks into it. */
export function flattened(text: string): string {
	text.charCodeAt(0);
	return text;
}

/** V8 keeps all of a text for whoever keeps so much of it, in characters. */
const sliceMin = 13;

/** A part of a text that may be kept without all that it came with. */
export function copied(part: string): string {
	return part.length < sliceMin ? part : flattened(` ${part}`).slice(1);
}
