import type { ReactNode } from "react";
import { MenuIcon } from "./icons.tsx";

interface TopBarProps {
	readonly openSidebar: () => void;
	readonly title?: ReactNode;
	readonly status?: ReactNode;
	readonly actions?: ReactNode;
}

export function TopBar({ openSidebar, title, status, actions }: TopBarProps) {
	return (
		<header className="top-bar">
			<button
				type="button"
				className="icon-button open-sidebar"
				aria-label="Documents"
				aria-controls="sidebar"
				onClick={openSidebar}
			>
				<MenuIcon />
			</button>
			<div className="top-bar-title">{title}</div>
			<div className="top-bar-status">{status}</div>
			<div className="top-bar-actions">{actions}</div>
		</header>
	);
}
