import type { Editor } from "@tiptap/core";
import { ColumnAddIcon, ColumnRemoveIcon, RowAddIcon, RowRemoveIcon, TrashIcon } from "../shell/icons.tsx";
import { ToolButton } from "./tool-button.tsx";

/** Shown while the caret is in a table. */
export function TableTools({ editor }: { editor: Editor }) {
	const chain = () => editor.chain().focus();
	return (
		<>
			<ToolButton label="Add a row below" run={() => chain().addRowAfter().run()}>
				<RowAddIcon />
			</ToolButton>
			<ToolButton label="Add a column to the right" run={() => chain().addColumnAfter().run()}>
				<ColumnAddIcon />
			</ToolButton>
			<ToolButton label="Remove this row" run={() => chain().deleteRow().run()}>
				<RowRemoveIcon />
			</ToolButton>
			<ToolButton label="Remove this column" run={() => chain().deleteColumn().run()}>
				<ColumnRemoveIcon />
			</ToolButton>
			<ToolButton label="Remove the table" run={() => chain().deleteTable().run()}>
				<TrashIcon />
			</ToolButton>
		</>
	);
}
