import type { Editor, Range } from "@tiptap/core";

export interface SlashItem {
	readonly title: string;
	readonly hint: string;
	/** Other words that people look for. */
	readonly words: string;
	/** What is typed in the text for the same, if there is such a shortcut. */
	readonly shortcut: string;
	run(editor: Editor, range: Range): void;
}

function block(
	title: string,
	hint: string,
	shortcut: string,
	words: string,
	apply: (chain: ReturnType<Editor["chain"]>) => ReturnType<Editor["chain"]>,
): SlashItem {
	return {
		title,
		hint,
		shortcut,
		words,
		run: (editor, range) => void apply(editor.chain().focus().deleteRange(range)).run(),
	};
}

/** Opens the panel that asks for an image's address; the toolbar listens. */
export const askForImageEvent = "indelible:ask-for-image";

const items: readonly SlashItem[] = [
	block("Text", "Plain paragraph", "", "paragraph normal", (chain) => chain.setParagraph()),
	block("Heading 1", "The largest", "#", "title h1", (chain) => chain.setHeading({ level: 1 })),
	block("Heading 2", "For a section", "##", "subtitle h2", (chain) => chain.setHeading({ level: 2 })),
	block("Heading 3", "For a part of one", "###", "h3", (chain) => chain.setHeading({ level: 3 })),
	block("Bulleted list", "Points in no order", "-", "unordered ul", (chain) => chain.toggleBulletList()),
	block("Numbered list", "One after the other", "1.", "ordered ol", (chain) => chain.toggleOrderedList()),
	block("Task list", "To tick off", "[ ]", "todo checkbox", (chain) => chain.toggleTaskList()),
	block("Table", "Three by three to begin with", "", "grid rows columns", (chain) =>
		chain.insertTable({ rows: 3, cols: 3, withHeaderRow: true }),
	),
	block("Code block", "Highlighted", "```", "snippet pre", (chain) => chain.setCodeBlock()),
	block("Quote", "Somebody else's words", ">", "blockquote citation", (chain) => chain.setBlockquote()),
	{
		title: "Image",
		hint: "From an address",
		shortcut: "",
		words: "picture photo img url",
		run(editor, range) {
			editor.chain().focus().deleteRange(range).run();
			dispatchEvent(new CustomEvent(askForImageEvent));
		},
	},
	block("Divider", "A line across", "---", "rule separator hr", (chain) => chain.setHorizontalRule()),
];

/** Those whose title begins with what was typed first, then those that have it anywhere. */
export function findSlashItems(query: string): SlashItem[] {
	const wanted = query.trim().toLowerCase();
	const rank = ({ title, words }: SlashItem) => {
		const name = title.toLowerCase();
		if (name.startsWith(wanted)) return 0;
		return `${name} ${words}`.includes(wanted) ? 1 : 2;
	};
	return items.filter((item) => rank(item) < 2).sort((a, b) => rank(a) - rank(b));
}
