import type { Extensions } from "@tiptap/core";
import { CodeBlockLowlight } from "@tiptap/extension-code-block-lowlight";
import { Collaboration } from "@tiptap/extension-collaboration";
import { CollaborationCaret } from "@tiptap/extension-collaboration-caret";
import { Image } from "@tiptap/extension-image";
import { TaskItem, TaskList } from "@tiptap/extension-list";
import { TableKit } from "@tiptap/extension-table";
import { Placeholder } from "@tiptap/extensions";
import { StarterKit } from "@tiptap/starter-kit";
import { common, createLowlight } from "lowlight";
import { me } from "../person.ts";
import type { DocumentSession } from "../session/document-session.ts";
import { renderCaret, renderSelection } from "./caret.ts";
import { DroppedImages } from "./dropped-images.ts";
import { ReadingDirection } from "./reading-direction.ts";
import { SlashCommands, type SlashMenuCell } from "./slash-commands.ts";

const lowlight = createLowlight(common);

export function textExtensions(session: DocumentSession, slashMenu: SlashMenuCell): Extensions {
	return [
		StarterKit.configure({
			// Collaboration brings its own, which undoes one's own edits only.
			undoRedo: false,
			codeBlock: false,
			// It would write an empty paragraph for everybody who merely opens the document.
			trailingNode: false,
			link: { openOnClick: false, defaultProtocol: "https", HTMLAttributes: { rel: "noopener noreferrer" } },
		}),
		CodeBlockLowlight.configure({ lowlight, defaultLanguage: null, enableTabIndentation: true }),
		TaskList,
		// TipTap's English words beside it would decide in which direction the list is read.
		TaskItem.configure({ nested: true, a11y: { checkboxLabel: ({ textContent }) => textContent || "Task" } }),
		TableKit.configure({ table: { resizable: true, cellMinWidth: 80 } }),
		ReadingDirection,
		Image.configure({ allowBase64: true, HTMLAttributes: { loading: "lazy" } }),
		DroppedImages,
		Placeholder.configure({
			placeholder: ({ node }) =>
				node.type.name === "heading" ? "Heading" : "Write something, or type / for everything",
		}),
		Collaboration.configure({ document: session.document, field: "text", provider: session.provider }),
		CollaborationCaret.configure({
			provider: session.provider,
			user: me.get(),
			render: renderCaret,
			selectionRender: renderSelection,
		}),
		SlashCommands.configure({ menu: slashMenu }),
	];
}
