import "./code.css";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, placeholder } from "@codemirror/view";
import { useEffect, useId, useRef } from "react";
import { useObservable } from "../observable.ts";
import type { DocumentSession } from "../session/document-session.ts";
import { mayTakeFocus } from "../session/focus.ts";
import { useSharedText } from "../session/use-session.ts";
import { codeExtensions } from "./code-extensions.ts";
import { asLanguage, type LanguageId, languageSupport, languages } from "./languages.ts";

/** In the document, so that everybody has the same. */
const languageKey = "language";

export function CodePad({ session }: { session: DocumentSession }) {
	const [stored, setLanguage] = useSharedText(session.meta, languageKey);
	const language = asLanguage(stored);
	const mayWrite = useObservable(session.mayWrite);
	const host = useEditor(session, language, mayWrite);
	const id = useId();
	return (
		<div className="code-pad">
			<div className="code-bar">
				<label htmlFor={id} className="visually-hidden">
					Language
				</label>
				<select
					id={id}
					className="language-select"
					value={language}
					disabled={!mayWrite}
					onChange={(event) => setLanguage(event.target.value)}
				>
					{languages.map(({ id: value, label }) => (
						<option key={value} value={value}>
							{label}
						</option>
					))}
				</select>
				{mayWrite && <span className="faint code-hint">Esc, then Tab leaves the editor</span>}
			</div>
			<div className="code-host" ref={host} />
		</div>
	);
}

const inviting = placeholder("Write or paste some code");

/** What may not be edited is scrolled and selected by keyboard all the same. */
const readOnly = [
	EditorState.readOnly.of(true),
	EditorView.editable.of(false),
	EditorView.contentAttributes.of({ tabindex: "0", "aria-readonly": "true" }),
];

function useEditor(session: DocumentSession, language: LanguageId, mayWrite: boolean) {
	const host = useRef<HTMLDivElement>(null);
	const view = useRef<EditorView>(undefined);
	const languageSlot = useRef(new Compartment());
	const accessSlot = useRef(new Compartment());
	useEffect(() => {
		if (host.current === null) return;
		const text = session.document.getText("code");
		const slot = languageSlot.current;
		view.current = new EditorView({
			doc: text.toString(),
			extensions: [codeExtensions(session, text), slot.of([]), accessSlot.current.of([])],
			parent: host.current,
		});
		if (mayTakeFocus()) view.current.focus();
		return () => {
			view.current?.destroy();
			view.current = undefined;
		};
	}, [session]);
	// biome-ignore lint/correctness/useExhaustiveDependencies: a new session has a new view.
	useEffect(() => {
		view.current?.dispatch({ effects: languageSlot.current.reconfigure(languageSupport(language)) });
	}, [language, session]);
	// biome-ignore lint/correctness/useExhaustiveDependencies: as above.
	useEffect(() => {
		const access = mayWrite ? inviting : readOnly;
		view.current?.dispatch({ effects: accessSlot.current.reconfigure(access) });
	}, [mayWrite, session]);
	return host;
}
