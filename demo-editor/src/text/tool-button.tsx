import type { ReactNode } from "react";

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
