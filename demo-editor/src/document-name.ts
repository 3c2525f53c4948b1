/** The kinds of documents there are. The name says which one it is, so a link alone opens the right editor. */
export const documentKinds = ["text", "board", "code"] as const;

export type DocumentKind = (typeof documentKinds)[number];

/** What people call them. */
export const kindLabels: Record<DocumentKind, { name: string; untitled: string; description: string }> = {
	text: {
		name: "Text",
		untitled: "Untitled text",
		description: "Headings, lists, tables, images. Type / for everything.",
	},
	board: {
		name: "Whiteboard",
		untitled: "Untitled whiteboard",
		description: "Sketch and think together on an endless canvas.",
	},
	code: {
		name: "Code pad",
		untitled: "Untitled code",
		description: "Pair on a snippet, with everybody's cursor in view.",
	},
};

/** Without the letters and digits that people confuse. */
const alphabet = "23456789abcdefghjkmnpqrstuvwxyz";

/**
 * A new name that nobody can guess: 16 of 31 characters are 79 bits.
 * @param randomBytes At least 16 of them.
 */
export function newDocumentName(kind: DocumentKind, randomBytes: Uint8Array): string {
	const letters = Array.from(randomBytes.subarray(0, 16), (byte) => alphabet[byte % alphabet.length]);
	return `${kind}-${letters.join("")}`;
}

/** A name that was typed by hand and says nothing of its kind is a text. */
export function kindOf(documentName: string): DocumentKind {
	return documentKinds.find((kind) => documentName.startsWith(`${kind}-`)) ?? "text";
}

export function documentPath(documentName: string): string {
	return `/d/${encodeURIComponent(documentName)}`;
}

/** @returns undefined when the path is not that of a document. */
export function documentNameOf(path: string): string | undefined {
	const encoded = /^\/d\/([^/]+)\/?$/.exec(path)?.[1];
	if (encoded === undefined) return undefined;
	try {
		return decodeURIComponent(encoded);
	} catch {
		return undefined;
	}
}
