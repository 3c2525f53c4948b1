import { documentKinds, documentNameOf, documentPath, kindLabels, kindOf } from "../document-name.ts";
import { currentPath, navigate } from "../navigation.ts";
import { useObservable } from "../observable.ts";
import { forget, listedTitle, type RecentDocument, recentDocuments } from "../recent-documents.ts";
import { createDocument } from "./create-document.ts";
import { CloseIcon } from "./icons.tsx";
import { KindIcon } from "./kind-icon.tsx";
import { Link } from "./link.tsx";
import { Logo } from "./logo.tsx";

/** New documents and the recent ones. `close` is for narrow screens, where it lies over the page. */
export function Sidebar({ isOpen, close }: { isOpen: boolean; close: () => void }) {
	const documents = useObservable(recentDocuments);
	const path = useObservable(currentPath);
	return (
		<aside id="sidebar" className="sidebar" data-open={isOpen} aria-label="Documents">
			<div className="sidebar-head">
				<Link href="/" className="brand" onClick={close}>
					<Logo />
					Indelible
				</Link>
				<button
					type="button"
					className="icon-button sidebar-close"
					aria-label="Close the list"
					onClick={close}
				>
					<CloseIcon />
				</button>
			</div>
			<div className="sidebar-new">
				{documentKinds.map((kind) => (
					<button
						key={kind}
						type="button"
						className="sidebar-row"
						onClick={() => {
							close();
							createDocument(kind);
						}}
					>
						<KindIcon kind={kind} />
						New {kindLabels[kind].name.toLowerCase()}
					</button>
				))}
			</div>
			<nav aria-label="Recent documents" className="sidebar-recent">
				<h2>Recent</h2>
				{documents.length === 0 && <p className="faint">What you open is listed here.</p>}
				<ul>
					{documents.map((document) => (
						<RecentRow
							key={document.name}
							document={document}
							isCurrent={documentNameOf(path) === document.name}
							close={close}
						/>
					))}
				</ul>
			</nav>
		</aside>
	);
}

interface RecentRowProps {
	readonly document: RecentDocument;
	readonly isCurrent: boolean;
	readonly close: () => void;
}

function RecentRow({ document, isCurrent, close }: RecentRowProps) {
	const title = listedTitle(document, (kind) => kindLabels[kind].untitled);
	return (
		<li className="recent" data-current={isCurrent}>
			<Link
				href={documentPath(document.name)}
				className="sidebar-row"
				aria-current={isCurrent ? "page" : undefined}
				onClick={close}
			>
				<KindIcon kind={kindOf(document.name)} />
				<span className="ellipsis">{title}</span>
			</Link>
			<button
				type="button"
				className="icon-button small"
				aria-label={`Take ${title} off the list`}
				title="Take off the list"
				onClick={() => {
					forget(document.name);
					if (isCurrent) navigate("/");
				}}
			>
				<CloseIcon size={14} />
			</button>
		</li>
	);
}
