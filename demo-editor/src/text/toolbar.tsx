import type { Editor } from "@tiptap/core";
import { useEditorState } from "@tiptap/react";
import { yUndoPluginKey } from "@tiptap/y-tiptap";
import type { KeyboardEvent } from "react";
import type { UndoManager } from "yjs";
import {
	BulletsIcon,
	CodeIcon,
	NumbersIcon,
	QuoteIcon,
	RedoIcon,
	TableIcon,
	TasksIcon,
	UndoIcon,
} from "../shell/icons.tsx";
import { ImageButton, LinkButton } from "./address-panels.tsx";
import { BlockSelect } from "./block-select.tsx";
import { TableTools } from "./table-tools.tsx";
import { ToolButton } from "./tool-button.tsx";

export function Toolbar({ editor }: { editor: Editor }) {
	const active = useEditorState({
		editor,
		selector: ({ editor: { isActive } }) => ({
			bold: isActive.call(editor, "bold"),
			italic: isActive.call(editor, "italic"),
			strike: isActive.call(editor, "strike"),
			code: isActive.call(editor, "code"),
			bullets: isActive.call(editor, "bulletList"),
			numbers: isActive.call(editor, "orderedList"),
			tasks: isActive.call(editor, "taskList"),
			quote: isActive.call(editor, "blockquote"),
			codeBlock: isActive.call(editor, "codeBlock"),
			table: isActive.call(editor, "table"),
			...history(editor),
		}),
	});
	const chain = () => editor.chain().focus();
	return (
		<div
			className="toolbar"
			role="toolbar"
			aria-label="Formatting"
			aria-orientation="horizontal"
			onKeyDown={moveAlong}
		>
			<ToolButton label="Undo" keys="Mod+Z" isDisabled={!active.canUndo} run={() => chain().undo().run()}>
				<UndoIcon />
			</ToolButton>
			<ToolButton
				label="Redo"
				keys="Mod+Shift+Z"
				isDisabled={!active.canRedo}
				run={() => chain().redo().run()}
			>
				<RedoIcon />
			</ToolButton>
			<Divider />
			<BlockSelect editor={editor} />
			<Divider />
			<ToolButton label="Bold" keys="Mod+B" isOn={active.bold} run={() => chain().toggleBold().run()}>
				<b className="glyph">B</b>
			</ToolButton>
			<ToolButton label="Italic" keys="Mod+I" isOn={active.italic} run={() => chain().toggleItalic().run()}>
				<i className="glyph serif">I</i>
			</ToolButton>
			<ToolButton
				label="Strikethrough"
				keys="Mod+Shift+S"
				isOn={active.strike}
				run={() => chain().toggleStrike().run()}
			>
				<s className="glyph">S</s>
			</ToolButton>
			<ToolButton label="Inline code" keys="Mod+E" isOn={active.code} run={() => chain().toggleCode().run()}>
				<CodeIcon />
			</ToolButton>
			<LinkButton editor={editor} />
			<Divider />
			<ToolButton label="Bulleted list" isOn={active.bullets} run={() => chain().toggleBulletList().run()}>
				<BulletsIcon />
			</ToolButton>
			<ToolButton label="Numbered list" isOn={active.numbers} run={() => chain().toggleOrderedList().run()}>
				<NumbersIcon />
			</ToolButton>
			<ToolButton label="Task list" isOn={active.tasks} run={() => chain().toggleTaskList().run()}>
				<TasksIcon />
			</ToolButton>
			<ToolButton label="Quote" isOn={active.quote} run={() => chain().toggleBlockquote().run()}>
				<QuoteIcon />
			</ToolButton>
			<ToolButton label="Code block" isOn={active.codeBlock} run={() => chain().toggleCodeBlock().run()}>
				<span className="glyph mono">{"{ }"}</span>
			</ToolButton>
			<Divider />
			<ToolButton
				label="Insert a table"
				isOn={active.table}
				isDisabled={active.table}
				run={() => chain().insertTable({ rows: 3, cols: 3, withHeaderRow: true }).run()}
			>
				<TableIcon />
			</ToolButton>
			<ImageButton editor={editor} />
			{active.table && (
				<>
					<Divider />
					<TableTools editor={editor} />
				</>
			)}
		</div>
	);
}

/** `editor.can().undo()` throws before the editor is on the page. */
function history(editor: Editor): { canUndo: boolean; canRedo: boolean } {
	const state: { undoManager: UndoManager } | undefined = yUndoPluginKey.getState(editor.state);
	return {
		canUndo: (state?.undoManager.undoStack.length ?? 0) > 0,
		canRedo: (state?.undoManager.redoStack.length ?? 0) > 0,
	};
}

function Divider() {
	return <span className="toolbar-divider" aria-hidden="true" />;
}

/** Left and right go from button to button, as in any toolbar. */
function moveAlong(event: KeyboardEvent<HTMLDivElement>): void {
	const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
	const target = event.target as HTMLElement;
	if (by === 0 || target.matches("input, select")) return;
	const tools = [...event.currentTarget.querySelectorAll<HTMLElement>(".tool, select")];
	const next = tools.at((tools.indexOf(target) + by) % tools.length);
	next?.focus();
	event.preventDefault();
}
