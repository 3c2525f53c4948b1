import { type DocumentKind, documentKinds, documentPath, kindLabels, kindOf } from "../document-name.ts";
import { useObservable } from "../observable.ts";
import { listedTitle, recentDocuments } from "../recent-documents.ts";
import { createDocument } from "./create-document.ts";
import { KindIcon } from "./kind-icon.tsx";
import { Link } from "./link.tsx";
import { timeAgo } from "./time-ago.ts";

const recentMax = 8;

export function StartPage() {
	const recent = useObservable(recentDocuments).slice(0, recentMax);
	return (
		<div className="start">
			<h1>What shall we make?</h1>
			<p className="lead">
				Everything here is shared: send the link, and work on it together. When it says <em>Saved</em>, it is
				on disk.
			</p>
			<ul className="kinds">
				{documentKinds.map((kind) => (
					<li key={kind}>
						<KindCard kind={kind} />
					</li>
				))}
			</ul>
			{recent.length > 0 && (
				<section aria-labelledby="recent-heading">
					<h2 id="recent-heading">Pick up where you left off</h2>
					<ul className="recent-list">
						{recent.map((document) => (
							<li key={document.name}>
								<Link href={documentPath(document.name)} className="recent-link">
									<KindIcon kind={kindOf(document.name)} />
									<span className="ellipsis">
										{listedTitle(document, (kind) => kindLabels[kind].untitled)}
									</span>
									<span className="faint recent-time">{timeAgo(document.openedAtMs, Date.now())}</span>
								</Link>
							</li>
						))}
					</ul>
				</section>
			)}
		</div>
	);
}

function KindCard({ kind }: { kind: DocumentKind }) {
	const { name, description } = kindLabels[kind];
	return (
		<button type="button" className="kind-card" data-kind={kind} onClick={() => createDocument(kind)}>
			<span className="kind-icon">
				<KindIcon kind={kind} size={24} />
			</span>
			<span className="kind-name">{name}</span>
			<span className="kind-description">{description}</span>
		</button>
	);
}
