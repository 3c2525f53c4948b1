import { type Editor, Extension } from "@tiptap/core";
import { Plugin, Selection } from "@tiptap/pm/state";
import { imageAddress } from "./image-address.ts";
import { insertPicture } from "./insert-picture.ts";

/** Pictures that are pasted (a screenshot) or dropped (a file) are put into the text, as large as it shows them. */
export const DroppedImages = Extension.create({
	name: "droppedImages",
	addProseMirrorPlugins() {
		const { editor } = this;
		return [
			new Plugin({
				props: {
					handlePaste(_view, { clipboardData }) {
						// Parts of other pages come with their text, and name their pictures in it.
						if (clipboardData?.getData("text/html")) return false;
						return insertImages(editor, clipboardData?.files);
					},
					handleDrop(view, event, _slice, isMoved) {
						const at = view.posAtCoords({ left: event.clientX, top: event.clientY });
						if (isMoved || at === null || imagesIn(event.dataTransfer?.files).length === 0) return false;
						view.dispatch(view.state.tr.setSelection(Selection.near(view.state.doc.resolve(at.pos))));
						return insertImages(editor, event.dataTransfer?.files);
					},
				},
			}),
		];
	},
});

function imagesIn(files: FileList | undefined): readonly File[] {
	return [...(files ?? [])].filter(({ type }) => type.startsWith("image/"));
}

/** @returns Whether there are any. */
export function insertImages(editor: Editor, files: FileList | undefined): boolean {
	const images = imagesIn(files);
	for (const image of images) void insertImage(editor, image);
	return images.length > 0;
}

/** Where the caret is by then. Never rejects: a file that is no picture is left out, as the browser would leave it out. */
async function insertImage(editor: Editor, file: File): Promise<void> {
	const src = await imageAddress(file).catch(() => undefined);
	if (src === undefined || editor.isDestroyed || !editor.isEditable) return;
	insertPicture(editor, { src, alt: file.name });
}
