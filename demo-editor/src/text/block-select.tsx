import type { Editor } from "@tiptap/core";
import { useEditorState } from "@tiptap/react";

const levels = [1, 2, 3] as const;

/** What the current block is. A native select: it is small, and works on every device and for every reader. */
export function BlockSelect({ editor }: { editor: Editor }) {
	const level = useEditorState({
		editor,
		selector: () => levels.find((candidate) => editor.isActive("heading", { level: candidate })) ?? 0,
	});
	const choose = (value: string) => {
		const wanted = levels.find((candidate) => String(candidate) === value);
		const chain = editor.chain().focus();
		if (wanted === undefined) chain.setParagraph().run();
		else chain.setHeading({ level: wanted }).run();
	};
	return (
		<select
			className="block-select"
			aria-label="Kind of paragraph"
			value={String(level)}
			onChange={(event) => choose(event.target.value)}
		>
			<option value="0">Text</option>
			{levels.map((candidate) => (
				<option key={candidate} value={String(candidate)}>
					Heading {candidate}
				</option>
			))}
		</select>
	);
}
