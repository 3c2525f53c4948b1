import { HocuspocusProvider } from "@hocuspocus/provider";
import { Editor } from "@tiptap/core";
import { Collaboration } from "@tiptap/extension-collaboration";
import { CollaborationCaret } from "@tiptap/extension-collaboration-caret";
import { StarterKit } from "@tiptap/starter-kit";

// The examples of docs/editors.md, which quotes this file. test/integration/embedding.test.ts runs what needs no browser.

export function open(name: string) {
	return new HocuspocusProvider({
		url: "wss://docs.example.com",
		name,
		token: () => fetch("/token").then((response) => response.text()),
	});
}

export function edit(provider: HocuspocusProvider, element: Element) {
	return new Editor({
		element,
		extensions: [
			StarterKit.configure({ undoRedo: false }),
			Collaboration.configure({ document: provider.document, field: "default" }),
			CollaborationCaret.configure({ provider, user: { name: "Ann", color: "#c2185b" } }),
		],
	});
}

export function showSaveState(provider: HocuspocusProvider, show: (words: string) => void) {
	const update = () => show(provider.synced && !provider.hasUnsyncedChanges ? "Saved" : "Not saved yet");
	for (const event of ["synced", "unsyncedChanges", "disconnect"]) provider.on(event, update);
}
