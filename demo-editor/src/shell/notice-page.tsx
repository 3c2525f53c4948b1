import type { ReactNode } from "react";

interface NoticePageProps {
	readonly icon: ReactNode;
	readonly title: string;
	readonly children: ReactNode;
	readonly actions?: ReactNode;
}

/** A page that says why there is no document, and what can be done. */
export function NoticePage({ icon, title, children, actions }: NoticePageProps) {
	return (
		<div className="notice">
			<div className="notice-icon">{icon}</div>
			<h1>{title}</h1>
			{children}
			{actions !== undefined && <div className="notice-actions">{actions}</div>}
		</div>
	);
}
