import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import {
	bracketMatching,
	foldGutter,
	foldKeymap,
	HighlightStyle,
	indentOnInput,
	indentUnit,
	syntaxHighlighting,
} from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import {
	drawSelection,
	EditorView,
	highlightActiveLine,
	highlightActiveLineGutter,
	highlightSpecialChars,
	keymap,
	lineNumbers,
	rectangularSelection,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import * as Y from "yjs";
import type { DocumentSession } from "../session/document-session.ts";

/** Colours come from the page's theme, so a change of theme needs nothing here. */
const highlighting = HighlightStyle.define([
	{ tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--syntax-keyword)" },
	{ tag: [tags.string, tags.regexp, tags.special(tags.string)], color: "var(--syntax-string)" },
	{ tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--syntax-number)" },
	{ tag: tags.comment, color: "var(--syntax-comment)", fontStyle: "italic" },
	{ tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--syntax-name)" },
	{ tag: [tags.typeName, tags.className, tags.tagName], color: "var(--syntax-type)" },
	{ tag: tags.heading, color: "var(--syntax-name)", fontWeight: "650" },
	{ tag: [tags.link, tags.url], color: "var(--syntax-name)", textDecoration: "underline" },
	{ tag: tags.strong, fontWeight: "650" },
	{ tag: tags.emphasis, fontStyle: "italic" },
	{ tag: tags.strikethrough, textDecoration: "line-through" },
	{ tag: [tags.quote, tags.processingInstruction, tags.contentSeparator], color: "var(--syntax-comment)" },
]);

/**
 * Everything but the language. Tab indents; Escape and then Tab leaves the editor, for those who move by keyboard.
 */
export function codeExtensions(session: DocumentSession, text: Y.Text): Extension {
	return [
		lineNumbers(),
		foldGutter(),
		highlightSpecialChars(),
		highlightActiveLine(),
		highlightActiveLineGutter(),
		drawSelection(),
		rectangularSelection(),
		indentOnInput(),
		bracketMatching(),
		closeBrackets(),
		indentUnit.of("\t"),
		EditorState.tabSize.of(4),
		EditorView.lineWrapping,
		EditorView.contentAttributes.of({ "aria-label": "Code" }),
		syntaxHighlighting(highlighting),
		// Its undo manager follows this editor's own edits only.
		yCollab(text, session.awareness, { undoManager: new Y.UndoManager(text) }),
		keymap.of([
			...closeBracketsKeymap,
			...yUndoManagerKeymap,
			...foldKeymap,
			...defaultKeymap,
			indentWithTab,
		]),
	];
}
