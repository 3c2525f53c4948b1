import { type ReactNode, type RefObject, useEffect, useRef } from "react";

/** Closes on Escape (focus goes back to where it was opened) and on a press outside. */
function useDismissal(
	isOpen: boolean,
	close: () => void,
	inside: RefObject<HTMLElement | null>,
	opener?: RefObject<HTMLElement | null>,
): void {
	useEffect(() => {
		if (!isOpen) return;
		const onKey = (event: KeyboardEvent) => {
			if (event.key !== "Escape") return;
			event.stopPropagation();
			close();
			opener?.current?.focus();
		};
		const onPress = (event: PointerEvent) => {
			const target = event.target as Node;
			if (!inside.current?.contains(target) && !opener?.current?.contains(target)) close();
		};
		document.addEventListener("keydown", onKey, true);
		document.addEventListener("pointerdown", onPress, true);
		return () => {
			document.removeEventListener("keydown", onKey, true);
			document.removeEventListener("pointerdown", onPress, true);
		};
	});
}

interface PanelProps {
	readonly isOpen: boolean;
	readonly close: () => void;
	readonly label: string;
	readonly opener: RefObject<HTMLElement | null>;
	readonly children: ReactNode;
}

/** A small panel below its opener; it takes the focus, and closing gives it back. */
export function Panel({ isOpen, close, label, opener, children }: PanelProps) {
	const panel = useRef<HTMLDivElement>(null);
	useDismissal(isOpen, close, panel, opener);
	useEffect(() => {
		if (isOpen) panel.current?.querySelector<HTMLElement>("input, button, [tabindex]")?.focus();
	}, [isOpen]);
	if (!isOpen) return null;
	return (
		<div className="panel" role="dialog" aria-label={label} ref={panel}>
			{children}
		</div>
	);
}
