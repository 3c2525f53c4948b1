import type { DocumentKind } from "../document-name.ts";
import { BoardIcon, CodeIcon, TextIcon } from "./icons.tsx";

const icons = { text: TextIcon, board: BoardIcon, code: CodeIcon } satisfies Record<DocumentKind, unknown>;

export function KindIcon({ kind, size }: { kind: DocumentKind; size?: number }) {
	const Icon = icons[kind];
	return size === undefined ? <Icon /> : <Icon size={size} />;
}
