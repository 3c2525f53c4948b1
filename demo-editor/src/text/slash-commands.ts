import { Extension } from "@tiptap/core";
import { isChangeOrigin } from "@tiptap/extension-collaboration";
import { Suggestion, type SuggestionProps } from "@tiptap/suggestion";
import { type Cell, cell } from "../observable.ts";
import { findSlashItems, type SlashItem } from "./slash-items.ts";

export interface SlashMenuState {
	readonly items: readonly SlashItem[];
	readonly selected: number;
	readonly place: DOMRect;
	readonly choose: (item: SlashItem) => void;
}

/** The menu's state: undefined while it is closed. `SlashMenu` shows it. */
export type SlashMenuCell = Cell<SlashMenuState | undefined>;

type Props = SuggestionProps<SlashItem, SlashItem>;

/** What `/` offers. */
export const SlashCommands = Extension.create<{ menu: SlashMenuCell }>({
	name: "slashCommands",
	addOptions: () => ({ menu: cell<SlashMenuState | undefined>(undefined) }),
	addProseMirrorPlugins() {
		const { menu } = this.options;
		const show = ({ items, clientRect, command }: Props, selected: number) => {
			const place = clientRect?.();
			menu.set(place && items.length > 0 ? { items, selected, place, choose: command } : undefined);
		};
		const move = (state: SlashMenuState, by: number) => {
			const { length } = state.items;
			menu.set({ ...state, selected: (state.selected + by + length) % length });
		};
		return [
			Suggestion<SlashItem, SlashItem>({
				editor: this.editor,
				char: "/",
				allowedPrefixes: [" "],
				// Somebody else's slash must not open a menu here.
				shouldShow: ({ transaction }) => !isChangeOrigin(transaction),
				allow: ({ state }) => !state.selection.$from.parent.type.spec.code,
				items: ({ query }) => findSlashItems(query),
				command: ({ editor, range, props }) => props.run(editor, range),
				render: () => ({
					onStart: (props) => show(props, 0),
					onUpdate: (props) => show(props, 0),
					onExit: () => menu.set(undefined),
					onKeyDown({ event }) {
						const state = menu.get();
						if (state === undefined) return false;
						const item = state.items[state.selected];
						if (event.key === "ArrowDown") move(state, 1);
						else if (event.key === "ArrowUp") move(state, -1);
						else if ((event.key === "Enter" || event.key === "Tab") && item !== undefined) state.choose(item);
						else return false;
						return true;
					},
				}),
			}),
		];
	},
});
