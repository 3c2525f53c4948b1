import type { Editor } from "@tiptap/core";
import { NodeSelection, Selection, TextSelection } from "@tiptap/pm/state";

/** Puts a picture behind the caret, and the caret below the picture: it would be selected otherwise, and whoever types on would replace it. */
export function insertPicture(
	editor: Editor,
	attributes: { readonly src: string; readonly alt?: string },
): void {
	editor
		.chain()
		.focus()
		.insertContentAt(editor.state.selection.to, { type: "image", attrs: attributes })
		.command(({ tr, state }) => {
			const { selection } = tr;
			if (!(selection instanceof NodeSelection)) return true;
			const below = Selection.findFrom(selection.$to, 1, true);
			const { paragraph } = state.schema.nodes;
			if (below !== null) tr.setSelection(below);
			else if (paragraph !== undefined) {
				tr.insert(selection.to, paragraph.create());
				tr.setSelection(TextSelection.create(tr.doc, selection.to + 1));
			}
			return true;
		})
		.scrollIntoView()
		.run();
}
