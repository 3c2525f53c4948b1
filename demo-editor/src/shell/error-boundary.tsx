import { Component, type ReactNode } from "react";
import { BrokenIcon } from "./icons.tsx";
import { NoticePage } from "./notice-page.tsx";

type State = { readonly status: "well" } | { readonly status: "failed"; readonly message: string };

/** An editor that failed takes neither the page nor the document with it: the edits are in the session. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, State> {
	override state: State = { status: "well" };

	static getDerivedStateFromError(error: unknown): State {
		return { status: "failed", message: error instanceof Error ? error.message : String(error) };
	}

	override render() {
		if (this.state.status === "well") return this.props.children;
		return (
			<NoticePage
				icon={<BrokenIcon size={28} />}
				title="This editor has stopped"
				actions={
					<button type="button" className="button primary" onClick={() => location.reload()}>
						Reload the page
					</button>
				}
			>
				<p>What you have written is kept. The reason: {this.state.message}</p>
			</NoticePage>
		);
	}
}
