/** Control characters, and halves of characters, which are no text. */
const unwritable = /[\p{Cc}\p{Cs}]/u;

/** A pattern that the whole of a document's name must match. @throws {SyntaxError} when it is none. */
export function documentNamePattern(source: string): RegExp {
	return new RegExp(`^(?:${source})$`, "u");
}

/** @param pattern Without one, anything that can be written will do. */
export function isDocumentNameAllowed(name: string, pattern: RegExp | undefined): boolean {
	return !unwritable.test(name) && (pattern === undefined || pattern.test(name));
}
