import * as Y from "yjs";
import type { Visitor } from "./visitor.ts";

const authorId = 5;
const pictureCharacters = 65_536;

/** What somebody does with the pictures of a board. */
export interface BoardScript {
	/** A Yjs update each. */
	readonly updates: readonly Uint8Array[];
	/** Of the author, at the end. */
	readonly clock: number;
	/** What it must be at the end. */
	readonly document: Y.Doc;
}

/** @param grows Whether each update adds a picture of 64 KB; otherwise it replaces the only one. */
export function writeBoard({
	updates: wanted,
	grows,
}: {
	readonly updates: number;
	readonly grows: boolean;
}): BoardScript {
	const document = new Y.Doc();
	document.clientID = authorId;
	const updates: Uint8Array[] = [];
	document.on("update", (update: Uint8Array) => updates.push(update));
	const map = document.getMap("board");
	for (let n = 0; n < wanted; n += 1) {
		const picture = `${n} `.repeat(pictureCharacters).slice(0, pictureCharacters);
		map.set(grows ? `picture ${n}` : "picture", picture);
	}
	return { updates, clock: Y.getState(document.store, authorId), document };
}

/** What somebody has got, as a document. */
export class BoardCopy {
	readonly #visitor: Visitor;
	readonly #document = new Y.Doc();
	#applied = 0;

	constructor(visitor: Visitor) {
		this.#visitor = visitor;
	}

	/** How much of the author's it has. */
	clock(): number {
		const { updates } = this.#visitor;
		for (; this.#applied < updates.length; this.#applied += 1)
			Y.applyUpdate(this.#document, updates[this.#applied] ?? new Uint8Array([0, 0]));
		return Y.getState(this.#document.store, authorId);
	}

	equals(document: Y.Doc): boolean {
		const contents = (of: Y.Doc) => JSON.stringify(of.getMap("board").toJSON());
		return contents(this.#document) === contents(document);
	}
}
