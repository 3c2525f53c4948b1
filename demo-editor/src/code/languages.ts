import { javascript } from "@codemirror/lang-javascript";
import { markdown } from "@codemirror/lang-markdown";
import type { Extension } from "@codemirror/state";

export const languages = [
	{ id: "typescript", label: "TypeScript" },
	{ id: "javascript", label: "JavaScript" },
	{ id: "markdown", label: "Markdown" },
	{ id: "plain", label: "Plain text" },
] as const;

export type LanguageId = (typeof languages)[number]["id"];

export function asLanguage(value: string): LanguageId {
	return languages.find(({ id }) => id === value)?.id ?? "typescript";
}

export function languageSupport(id: LanguageId): Extension {
	switch (id) {
		case "typescript":
			return javascript({ typescript: true, jsx: true });
		case "javascript":
			return javascript({ jsx: true });
		case "markdown":
			return markdown();
		case "plain":
			return [];
	}
}
