import type { ReactNode } from "react";

/** Our own icons, drawn on a 20 px grid with 1.6 px lines. They say nothing to screen readers: their buttons do. */
function draw({ size = 18 }: IconProps, paths: ReactNode) {
	return (
		<svg
			aria-hidden="true"
			className="icon"
			width={size}
			height={size}
			viewBox="0 0 20 20"
			fill="none"
			stroke="currentColor"
			strokeWidth="1.6"
			strokeLinecap="round"
			strokeLinejoin="round"
		>
			{paths}
		</svg>
	);
}

interface IconProps {
	/** In CSS pixels, 18 by default. */
	readonly size?: number;
}

export const TextIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<path d="M5 2.8h6.6L16 7.2v8.6a1.4 1.4 0 0 1-1.4 1.4H5.4A1.4 1.4 0 0 1 4 15.8V4.2A1.4 1.4 0 0 1 5.4 2.8Z" />
			<path d="M11.4 2.8v4.6H16M7 11h6M7 14h4" />
		</>,
	);
export const BoardIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<rect x="2.8" y="3.6" width="14.4" height="12.8" rx="2" />
			<path d="M6 12.6c1.4-4.2 3-5.2 3.8-3.2s.4 3.6 1.6 3.2 1.2-2.8 2.8-3" />
		</>,
	);
export const CodeIcon = (props: IconProps) =>
	draw(props, <path d="m6.6 5.6-4 4.4 4 4.4M13.4 5.6l4 4.4-4 4.4M11.4 3.6 8.6 16.4" />);
export const CloseIcon = (props: IconProps) => draw(props, <path d="m5 5 10 10M15 5 5 15" />);
export const MenuIcon = (props: IconProps) => draw(props, <path d="M3 5.5h14M3 10h14M3 14.5h14" />);
export const LinkIcon = (props: IconProps) =>
	draw(
		props,
		<path d="M8.5 11.5a3.2 3.2 0 0 0 4.6.2l2.6-2.6a3.2 3.2 0 0 0-4.6-4.6l-1 1m1.4 3a3.2 3.2 0 0 0-4.6-.2l-2.6 2.6a3.2 3.2 0 0 0 4.6 4.6l1-1" />,
	);
export const CheckIcon = (props: IconProps) => draw(props, <path d="m4 10.5 4 4 8-9" />);
export const MoonIcon = (props: IconProps) =>
	draw(props, <path d="M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3Z" />);
export const SunIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<circle cx="10" cy="10" r="3.4" />
			<path d="M10 1.8v1.6M10 16.6v1.6M1.8 10h1.6M16.6 10h1.6M4.2 4.2l1.1 1.1M14.7 14.7l1.1 1.1M4.2 15.8l1.1-1.1M14.7 5.3l1.1-1.1" />
		</>,
	);
export const CloudOffIcon = (props: IconProps) =>
	draw(
		props,
		<path d="m3 3 14 14M7.2 5.2A4.8 4.8 0 0 1 14.5 8 3.7 3.7 0 0 1 17 13.6M13 15.5H5.8a3.6 3.6 0 0 1-.6-7.1" />,
	);
export const BrokenIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<path d="M4 9V4.2c0-.8.6-1.4 1.4-1.4h6.2L16 7.2V9M4 13v2.8c0 .8.6 1.4 1.4 1.4h9.2c.8 0 1.4-.6 1.4-1.4V13" />
			<path d="m2.5 11.5 3-1.5 3 2 3-2 3 2 3-1.5" />
		</>,
	);
export const LockIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<rect x="4" y="9" width="12" height="8" rx="1.6" />
			<path d="M6.8 9V6.4a3.2 3.2 0 0 1 6.4 0V9" />
		</>,
	);
export const QuoteIcon = (props: IconProps) => draw(props, <path d="M3 4v12M7 6.5h10M7 10h10M7 13.5h6" />);
export const BulletsIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<path d="M8 5h9M8 10h9M8 15h9" />
			<path d="M3.5 5h.01M3.5 10h.01M3.5 15h.01" strokeWidth="2.8" />
		</>,
	);
export const NumbersIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<path d="M8.5 5h8.5M8.5 10h8.5M8.5 15h8.5" />
			<path d="M3 3.8 4.2 3v4.2M2.8 12.8c.4-.9 2.2-.9 2.2.2 0 1-2.2 1.4-2.2 2.8H5.2" strokeWidth="1.3" />
		</>,
	);
export const TasksIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<rect x="2.6" y="3" width="5" height="5" rx="1" />
			<path d="m3.2 14.2 1.6 1.6 3-3.4M11 5.5h6.5M11 14.5h6.5" />
		</>,
	);
export const TableIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<rect x="2.8" y="3.6" width="14.4" height="12.8" rx="1.6" />
			<path d="M2.8 8h14.4M2.8 12.2h14.4M10 8v8.4" />
		</>,
	);
export const ImageIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<rect x="2.8" y="3.6" width="14.4" height="12.8" rx="1.6" />
			<circle cx="7" cy="7.8" r="1.3" />
			<path d="m3.4 14.8 4-3.6 2.8 2.4 3.2-3.2 3.6 3.4" />
		</>,
	);
export const UndoIcon = (props: IconProps) =>
	draw(props, <path d="M7 4 3.5 7.5 7 11M3.5 7.5h8a4.5 4.5 0 0 1 0 9H8" />);
export const RedoIcon = (props: IconProps) =>
	draw(props, <path d="m13 4 3.5 3.5L13 11m3.5-3.5h-8a4.5 4.5 0 0 0 0 9H12" />);
export const TrashIcon = (props: IconProps) =>
	draw(
		props,
		<path d="M3.5 5.5h13M8 5.5V3.8c0-.5.3-.8.8-.8h2.4c.5 0 .8.3.8.8v1.7m3 0-.7 10.2a1.4 1.4 0 0 1-1.4 1.3H7.1a1.4 1.4 0 0 1-1.4-1.3L5 5.5M8.3 9v4.5M11.7 9v4.5" />,
	);
export const RowAddIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<rect x="2.8" y="3.2" width="14.4" height="6" rx="1.2" />
			<path d="M10 12v5.4M7.3 14.7h5.4" />
		</>,
	);
export const RowRemoveIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<rect x="2.8" y="3.2" width="14.4" height="6" rx="1.2" />
			<path d="m8 12.7 4 4M12 12.7l-4 4" />
		</>,
	);
export const ColumnAddIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<rect x="3.2" y="2.8" width="6" height="14.4" rx="1.2" />
			<path d="M14.7 7.3v5.4M12 10h5.4" />
		</>,
	);
export const ColumnRemoveIcon = (props: IconProps) =>
	draw(
		props,
		<>
			<rect x="3.2" y="2.8" width="6" height="14.4" rx="1.2" />
			<path d="m12.7 8 4 4M16.7 8l-4 4" />
		</>,
	);
