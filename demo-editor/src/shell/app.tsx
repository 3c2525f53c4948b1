import { useCallback, useEffect, useState } from "react";
import { documentNameOf, kindOf } from "../document-name.ts";
import { currentPath } from "../navigation.ts";
import { useObservable } from "../observable.ts";
import { fetchEditor } from "./editors.ts";
import { ErrorBoundary } from "./error-boundary.tsx";
import { TextIcon } from "./icons.tsx";
import { Link } from "./link.tsx";
import { NoticePage } from "./notice-page.tsx";
import { Sidebar } from "./sidebar.tsx";
import { StartPage } from "./start-page.tsx";
import { ThemeButton } from "./theme-button.tsx";
import { TopBar } from "./top-bar.tsx";
import { useModule } from "./use-module.ts";

/** The start page does without Yjs and the provider. */
const fetchDocumentPage = () => import("./document-page.tsx").then(({ DocumentPage }) => DocumentPage);

export function App() {
	const [isSidebarOpen, setSidebarOpen] = useState(false);
	const path = useObservable(currentPath);
	const close = useCallback(() => setSidebarOpen(false), []);
	useEffect(() => {
		if (!isSidebarOpen) return;
		const onKey = (event: KeyboardEvent) => event.key === "Escape" && close();
		addEventListener("keydown", onKey);
		document.querySelector<HTMLElement>("#sidebar a")?.focus();
		return () => removeEventListener("keydown", onKey);
	}, [isSidebarOpen, close]);
	return (
		<div className="app">
			<a className="skip-link" href="#main">
				Skip to the content
			</a>
			<Sidebar isOpen={isSidebarOpen} close={close} />
			{isSidebarOpen && <div className="scrim" aria-hidden="true" onPointerDown={close} />}
			<div className="page">
				<ErrorBoundary key={path}>
					<Page path={path} openSidebar={() => setSidebarOpen(true)} />
				</ErrorBoundary>
			</div>
		</div>
	);
}

function Page({ path, openSidebar }: { path: string; openSidebar: () => void }) {
	const documentName = documentNameOf(path);
	if (documentName !== undefined) return <DocumentRoute name={documentName} openSidebar={openSidebar} />;
	return (
		<>
			<TopBar openSidebar={openSidebar} actions={<ThemeButton />} />
			<main id="main" tabIndex={-1}>
				{path === "/" ? <StartPage /> : <NothingHere />}
			</main>
		</>
	);
}

function DocumentRoute({ name, openSidebar }: { name: string; openSidebar: () => void }) {
	const DocumentPage = useModule(fetchDocumentPage);
	const kind = kindOf(name);
	useEffect(() => {
		// It will be needed as soon as the document is open. If it fails, showing it will say so.
		fetchEditor[kind]().catch(() => {});
	}, [kind]);
	if (DocumentPage === undefined) return <TopBar openSidebar={openSidebar} />;
	return <DocumentPage name={name} openSidebar={openSidebar} />;
}

function NothingHere() {
	return (
		<NoticePage
			icon={<TextIcon size={28} />}
			title="There is nothing here"
			actions={
				<Link href="/" className="button primary">
					Go to the start page
				</Link>
			}
		>
			<p>Links to documents look like this: /d/text-7kq2m9xh.</p>
		</NoticePage>
	);
}
