import type { Access, DocumentSession } from "../session/document-session.ts";
import { BrokenIcon, CloudOffIcon, LockIcon } from "./icons.tsx";
import { Link } from "./link.tsx";
import { NoticePage } from "./notice-page.tsx";

/** In place of a document that can't be shown. */
export function AccessNotice({ session, access }: { session: DocumentSession; access: Access }) {
	const retry = (
		<button type="button" className="button primary" onClick={() => session.retry()}>
			Try again
		</button>
	);
	const home = (
		<Link href="/" className="button">
			Go to the start page
		</Link>
	);
	if (access.status === "opening") return <p className="opening">Opening…</p>;
	if (access.status === "away") {
		return (
			<NoticePage
				icon={<CloudOffIcon size={28} />}
				title="The server is away"
				actions={
					<>
						{retry}
						{home}
					</>
				}
			>
				<p>
					This document was never opened in this browser, so there is no copy to show. It opens by itself as
					soon as the server is back.
				</p>
			</NoticePage>
		);
	}
	if (access.status !== "denied") return null;
	return (
		<NoticePage
			icon={access.reason === "document-damaged" ? <BrokenIcon size={28} /> : <LockIcon size={28} />}
			title={deniedTitle(access.reason)}
			actions={
				<>
					{retry}
					{home}
				</>
			}
		>
			<p>{deniedText(access.reason)}</p>
			{access.hasLocalCopy && <p>The copy in this browser is kept, with all that you have written.</p>}
		</NoticePage>
	);
}

function deniedTitle(reason: string): string {
	if (reason === "document-damaged") return "This document is damaged";
	if (reason === "document-deleted") return "This document was deleted";
	if (reason === "invalid-document-name") return "There is no such document";
	if (reason === "seed-failed") return "This document could not be prepared";
	if (reason === "client-outdated") return "This page is out of date";
	if (reason === "document-full") return "There is no room in this document";
	return "You can't open this document";
}

function deniedText(reason: string): string {
	switch (reason) {
		case "document-damaged":
			return "What the server has stored of it does not match its checksum. Nothing was changed or overwritten: whoever runs the server can restore it from a backup.";
		case "document-deleted":
			return "Whoever runs the server has deleted it for good. Nothing that is written here is saved any more.";
		case "invalid-document-name":
			return "The link has a name that no document can have. It may be too long, or cut off.";
		case "seed-failed":
			return "The server failed while it filled it for the first time. Nothing was stored, so trying again is safe.";
		case "client-outdated":
			return "The server needs a newer version of it. Reload the page.";
		case "document-full":
			return "As many people have it open as the server allows. Try again when somebody has left.";
		case "token-missing":
			return "The server asks who you are, and this demo has no sign-in. Whoever runs the server can open documents to everybody with --auth-anonymous-read and --auth-anonymous-write.";
		case "permission-denied":
		case "document-forbidden":
		case "access-revoked":
			return "The server does not let you in. Ask the person who sent you the link.";
		default:
			return `The server has refused it: ${reason}.`;
	}
}
