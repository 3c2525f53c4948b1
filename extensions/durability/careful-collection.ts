import { ContentType, type Doc, type Item } from "yjs";

const careful = new WeakSet<Doc>();

/**
 * Yjs forgets what is in a type that is deleted, and breaks over something in there that is not. No honest client makes that, but edits can be forged so that it is. The document
 * could be neither compacted nor opened any more [TRN5]. With this, such a type keeps what is in it.
 */
export function collectCarefully(document: Doc): void {
	if (careful.has(document)) return;
	careful.add(document);
	const { gcFilter } = document;
	document.gcFilter = (item) => gcFilter(item) && isAllDeleted(item);
}

/** Looks at what Yjs would. */
function isAllDeleted({ content }: Item): boolean {
	if (!(content instanceof ContentType)) return true;
	// Forged items may be in several.
	const types = new Set([content.type]);
	const isDeleted = ({ deleted, content: inner }: Item) => {
		if (inner instanceof ContentType) types.add(inner.type);
		return deleted;
	};
	for (const { _start, _map } of types) {
		for (let item = _start; item !== null; item = item.right) if (!isDeleted(item)) return false;
		for (const last of _map.values())
			for (let item: Item | null = last; item !== null; item = item.left) if (!isDeleted(item)) return false;
	}
	return true;
}
