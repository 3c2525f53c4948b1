import type { Editor } from "@tiptap/core";
import { useEditorState } from "@tiptap/react";
import type { KeyboardEvent, ReactNode } from "react";
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

export function Toolbar({ editor }: { editor: Editor }) {
	const active = useEditorState({
		editor,
		selector: ({ editor: { isActive, can } }) => ({
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
			canUndo: can.call(editor).undo(),
			canRedo: can.call(editor).redo(),
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

export function Divider() {
	return <span className="toolbar-divider" aria-hidden="true" />;
}

const isApple = /Mac|iPhone|iPad/.test(navigator.userAgent);

interface ToolButtonProps {
	readonly label: string;
	/** As `Mod+B`; Mod is ⌘ or Ctrl. */
	readonly keys?: string;
	/** undefined for what is not on or off. */
	readonly isOn?: boolean | undefined;
	readonly isDisabled?: boolean;
	readonly run: () => void;
	readonly children: ReactNode;
}

export function ToolButton({ label, keys, isOn, isDisabled = false, run, children }: ToolButtonProps) {
	const shortcut = keys?.replace("Mod", isApple ? "⌘" : "Ctrl");
	return (
		<button
			type="button"
			className="tool"
			aria-label={label}
			aria-pressed={isOn}
			aria-disabled={isDisabled}
			title={shortcut === undefined ? label : `${label} (${shortcut})`}
			// The text keeps its selection, and on a phone its keyboard.
			onPointerDown={(event) => event.preventDefault()}
			onClick={() => !isDisabled && run()}
		>
			{children}
		</button>
	);
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
