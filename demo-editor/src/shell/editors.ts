import type { FunctionComponent } from "react";
import { prepareFonts } from "../board/fonts.ts";
import type { DocumentKind } from "../document-name.ts";
import type { DocumentSession } from "../session/document-session.ts";

type Editor = FunctionComponent<{ readonly session: DocumentSession }>;

/** Each editor is a chunk of its own: who writes text never loads a whiteboard. */
export const fetchEditor: Record<DocumentKind, () => Promise<Editor>> = {
	text: () => import("../text/text-editor.tsx").then(({ TextEditor }) => TextEditor),
	board() {
		prepareFonts();
		return import("../board/board.tsx").then(({ Board }) => Board);
	},
	code: () => import("../code/code-pad.tsx").then(({ CodePad }) => CodePad),
};
