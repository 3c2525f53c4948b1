import { Extension } from "@tiptap/core";

const listsAndQuotes = ["bulletList", "orderedList", "taskList", "blockquote"];

/**
 * Lists and quotes have their marks on the side where their text begins. Blocks of text see to that by themselves (`unicode-bidi: plaintext`).
 * Only a matter of looks: nothing of it is in the document.
 */
export const ReadingDirection = Extension.create({
	name: "readingDirection",
	addGlobalAttributes() {
		const dir = { default: null, parseHTML: () => null, renderHTML: () => ({ dir: "auto" }) };
		return [{ types: listsAndQuotes, attributes: { dir } }];
	},
});
