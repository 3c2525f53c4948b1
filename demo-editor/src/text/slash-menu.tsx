import type { Editor } from "@tiptap/core";
import { useEffect, useRef } from "react";
import { useObservable } from "../observable.ts";
import type { SlashMenuCell, SlashMenuState } from "./slash-commands.ts";

/** Beside the caret; below it, or above when there is no room. The caret stays in the text. */
export function SlashMenu({ editor, menu }: { editor: Editor; menu: SlashMenuCell }) {
	const state = useObservable(menu);
	useComboboxAttributes(editor, state);
	const selected = useRef<HTMLButtonElement>(null);
	const selectedTitle = state?.items[state.selected]?.title;
	useEffect(() => {
		if (selectedTitle !== undefined) selected.current?.scrollIntoView({ block: "nearest" });
	}, [selectedTitle]);
	if (state === undefined) return null;
	return (
		<div
			className="panel slash-menu"
			role="listbox"
			id="slash-menu"
			aria-label="Insert"
			style={placed(state)}
		>
			{state.items.map((item, index) => (
				<button
					key={item.title}
					id={optionId(index)}
					ref={index === state.selected ? selected : undefined}
					type="button"
					role="option"
					tabIndex={-1}
					aria-selected={index === state.selected}
					className="slash-item"
					onPointerDown={(event) => {
						event.preventDefault();
						state.choose(item);
					}}
				>
					<span className="slash-title">{item.title}</span>
					<span className="slash-hint">{item.hint}</span>
					{item.shortcut !== "" && <kbd>{item.shortcut}</kbd>}
				</button>
			))}
		</div>
	);
}

const widthPx = 304;
const heightMaxPx = 336;
const itemHeightPx = 46;
const gapPx = 6;

function placed({ place: { left, top, bottom }, items }: SlashMenuState) {
	const heightPx = Math.min(heightMaxPx, items.length * itemHeightPx + 2 * gapPx);
	const fitsBelow = bottom + 2 * gapPx + heightPx < innerHeight || bottom < innerHeight / 2;
	return {
		left: Math.max(8, Math.min(left, innerWidth - widthPx - 8)),
		...(fitsBelow ? { top: bottom + gapPx } : { bottom: innerHeight - top + gapPx }),
		width: widthPx,
		maxHeight: Math.min(heightMaxPx, (fitsBelow ? innerHeight - bottom : top) - 2 * gapPx),
	};
}

function optionId(index: number): string {
	return `slash-option-${index}`;
}

/** For screen readers: which option the keys in the text have reached. */
function useComboboxAttributes(editor: Editor, state: SlashMenuState | undefined): void {
	const active = state === undefined ? undefined : optionId(state.selected);
	useEffect(() => {
		// Without a menu there may be no view yet either.
		if (active === undefined) return;
		const { dom } = editor.view;
		dom.setAttribute("aria-controls", "slash-menu");
		dom.setAttribute("aria-activedescendant", active);
		return () => {
			dom.removeAttribute("aria-controls");
			dom.removeAttribute("aria-activedescendant");
		};
	}, [editor, active]);
}
