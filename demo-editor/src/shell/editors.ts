import { lazy } from "react";
import { prepareFonts } from "../board/fonts.ts";
import type { DocumentKind } from "../document-name.ts";

/** Each editor is a chunk of its own: who writes text never loads a whiteboard. */
const loaders = {
	text: () => import("../text/text-editor.tsx").then(({ TextEditor }) => ({ default: TextEditor })),
	board() {
		prepareFonts();
		return import("../board/board.tsx").then(({ Board }) => ({ default: Board }));
	},
	code: () => import("../code/code-pad.tsx").then(({ CodePad }) => ({ default: CodePad })),
} satisfies Record<DocumentKind, unknown>;

export const editors = { text: lazy(loaders.text), board: lazy(loaders.board), code: lazy(loaders.code) };

/** Fetches an editor while its document is still being opened. */
export function fetchEditor(kind: DocumentKind): void {
	// Showing it will fail in the same way, and say so.
	loaders[kind]().catch(() => {});
}
