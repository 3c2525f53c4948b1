import "./prose.css";
import "./text.css";
import type { Editor } from "@tiptap/core";
import { Selection } from "@tiptap/pm/state";
import { EditorContent, useEditor } from "@tiptap/react";
import { type MouseEvent, useEffect, useState } from "react";
import { cell, useObservable } from "../observable.ts";
import { asPerson, me } from "../person.ts";
import type { DocumentSession } from "../session/document-session.ts";
import { mayTakeFocus } from "../session/focus.ts";
import { showNameAgain } from "./caret.ts";
import { textExtensions } from "./extensions.ts";
import type { SlashMenuState } from "./slash-commands.ts";
import { SlashMenu } from "./slash-menu.tsx";
import { Toolbar } from "./toolbar.tsx";

/** A click puts the caret into a link; with Ctrl or ⌘ it follows it. */
function openLink(event: Event): boolean {
	if (!(event instanceof MouseEvent) || !(event.ctrlKey || event.metaKey)) return false;
	const href = (event.target as Element).closest("a")?.href;
	if (href === undefined) return false;
	window.open(href, "_blank", "noopener,noreferrer");
	return true;
}

/** TipTap's own `autofocus` comes a frame later, and takes it from somebody who has begun to type a title meanwhile. */
function takeFocus(editor: Editor): void {
	if (!mayTakeFocus()) return;
	const { doc, tr } = editor.state;
	// Not a picture at its end: it would be selected, and replaced by what is typed.
	const end = Selection.findFrom(doc.resolve(doc.content.size), -1, true);
	if (end !== null) editor.view.dispatch(tr.setSelection(end));
	editor.view.focus();
}

/** Shows the name at the caret of whoever moves or types. */
function useNamesOfMovers({ awareness }: DocumentSession, editor: Editor): void {
	useEffect(() => {
		const onChange = ({ updated }: { updated: number[] }) => {
			for (const clientId of updated) {
				const person = asPerson(awareness.getStates().get(clientId)?.user);
				if (person !== undefined && !editor.isDestroyed) showNameAgain(person.id, editor.view.dom);
			}
		};
		awareness.on("change", onChange);
		return () => awareness.off("change", onChange);
	}, [awareness, editor]);
}

export function TextEditor({ session }: { session: DocumentSession }) {
	const [slashMenu] = useState(() => cell<SlashMenuState | undefined>(undefined));
	const editor = useEditor(
		{
			extensions: textExtensions(session, slashMenu),
			onCreate: ({ editor }) => takeFocus(editor),
			shouldRerenderOnTransaction: false,
			editorProps: {
				handleClick: (_view, _position, event) => openLink(event),
				attributes: () => ({
					class: "prose",
					role: "textbox",
					"aria-multiline": "true",
					"aria-label": "Text",
					// What may not be edited is scrolled and selected by keyboard all the same.
					...(session.mayWrite.get() ? {} : { "aria-readonly": "true", tabindex: "0" }),
				}),
			},
		},
		[session],
	);
	useEffect(
		() =>
			me.subscribe(() => {
				if (!editor.isDestroyed) editor.commands.updateUser(me.get());
			}),
		[editor],
	);
	useNamesOfMovers(session, editor);
	const mayWrite = useObservable(session.mayWrite);
	useEffect(() => {
		// Nothing has changed, so nothing is to be told.
		editor.setEditable(mayWrite, false);
	}, [editor, mayWrite]);
	/** Below the last block there is always room for another paragraph. */
	const continueBelow = (event: MouseEvent) => {
		if (event.target !== event.currentTarget || !mayWrite) return;
		const { lastChild, content } = editor.state.doc;
		if (lastChild?.type.name === "paragraph") editor.commands.focus("end");
		else editor.chain().insertContentAt(content.size, { type: "paragraph" }).focus("end").run();
	};
	return (
		<div className="text-editor">
			{mayWrite && <Toolbar editor={editor} />}
			{/* biome-ignore lint/a11y/noStaticElementInteractions: the text itself takes the keys; this is its margin. */}
			{/* biome-ignore lint/a11y/useKeyWithClickEvents: as above. */}
			<div className="text-scroll" onClick={continueBelow}>
				<EditorContent editor={editor} />
			</div>
			<SlashMenu editor={editor} menu={slashMenu} />
		</div>
	);
}
