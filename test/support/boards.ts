import * as Y from "yjs";

export const boardElements = 10_000;

const fields = Array.from({ length: 30 }, (_, index): [string, string | number] => [
	`field${index}`,
	index % 3 === 0 ? index / 7 : index % 3 === 1 ? `value ${index}` : index,
]);

const elements = {
	object: () => Object.fromEntries(fields),
	map: () => new Y.Map(fields),
} as const;

/** A whiteboard of ten thousand elements with thirty values each, as it is kept by one application or another. */
export function bigBoard(kind: keyof typeof elements): Y.Doc {
	const document = new Y.Doc();
	document.transact(() => {
		const board = document.getMap<unknown>("elements");
		for (let index = 0; index < boardElements; index += 1) board.set(`element ${index}`, elements[kind]());
	});
	return document;
}
