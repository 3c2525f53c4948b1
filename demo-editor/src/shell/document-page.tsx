import { useEffect } from "react";
import { type DocumentKind, kindLabels, kindOf } from "../document-name.ts";
import { useObservable } from "../observable.ts";
import { forget, rememberOpened, rememberTitle } from "../recent-documents.ts";
import { type DocumentSession, titleKey } from "../session/document-session.ts";
import { useSession, useSharedText } from "../session/use-session.ts";
import { AccessNotice } from "./access-notice.tsx";
import { CopyLinkButton } from "./copy-link.tsx";
import { fetchEditor } from "./editors.ts";
import { ErrorBoundary } from "./error-boundary.tsx";
import { People } from "./people.tsx";
import { SaveBadge } from "./save-badge.tsx";
import { ThemeButton } from "./theme-button.tsx";
import { TopBar } from "./top-bar.tsx";
import { useModule } from "./use-module.ts";

interface DocumentPageProps {
	readonly name: string;
	readonly openSidebar: () => void;
}

export function DocumentPage({ name, openSidebar }: DocumentPageProps) {
	const session = useSession(name);
	useEffect(() => rememberOpened(name), [name]);
	if (session === undefined) return <TopBar openSidebar={openSidebar} actions={<ThemeButton />} />;
	return <OpenDocument key={name} session={session} openSidebar={openSidebar} />;
}

function OpenDocument({ session, openSidebar }: { session: DocumentSession; openSidebar: () => void }) {
	const access = useObservable(session.access);
	const kind = kindOf(session.name);
	const isOpen = access.status === "open";
	const isNobodys = access.status === "denied" && access.reason === "invalid-document-name";
	useEffect(() => {
		if (isNobodys) forget(session.name);
	}, [isNobodys, session.name]);
	return (
		<>
			<TopBar
				openSidebar={openSidebar}
				title={isOpen && <Title session={session} kind={kind} />}
				status={access.status !== "denied" && <SaveBadge monitor={session.save} />}
				actions={
					<>
						{isOpen && <People session={session} />}
						<CopyLinkButton />
						<ThemeButton />
					</>
				}
			/>
			<main id="main" className="editor" data-kind={kind} tabIndex={-1}>
				{isOpen ? (
					<ErrorBoundary>
						<Editor session={session} kind={kind} />
					</ErrorBoundary>
				) : (
					<AccessNotice session={session} access={access} />
				)}
			</main>
		</>
	);
}

function Editor({ session, kind }: { session: DocumentSession; kind: DocumentKind }) {
	const Loaded = useModule(fetchEditor[kind]);
	return Loaded === undefined ? <p className="opening">Opening…</p> : <Loaded session={session} />;
}

const titleLengthMax = 120;

function Title({ session, kind }: { session: DocumentSession; kind: DocumentKind }) {
	const [title, setTitle] = useSharedText(session.meta, titleKey);
	const mayWrite = useObservable(session.mayWrite);
	const { untitled } = kindLabels[kind];
	useEffect(() => {
		rememberTitle(session.name, title);
		document.title = `${title.trim() === "" ? untitled : title} · Indelible`;
		return () => {
			document.title = "Indelible";
		};
	}, [session.name, title, untitled]);
	return (
		<h1 className="title">
			<input
				aria-label="Title"
				dir="auto"
				value={title}
				placeholder={untitled}
				readOnly={!mayWrite}
				maxLength={titleLengthMax}
				autoComplete="off"
				onChange={(event) => setTitle(event.target.value)}
				onKeyDown={(event) => {
					if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
				}}
			/>
		</h1>
	);
}
