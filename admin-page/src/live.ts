import type { NodeView } from "../../server/admin/facts.ts";
import { AnswerError, ask, RefusedError } from "./api.ts";
import { EventStreamReader } from "./event-stream.ts";

export type LiveState =
	| { readonly status: "connecting" }
	| { readonly status: "live" }
	/** The node does not answer; it is tried again. */
	| { readonly status: "lost"; readonly why: string }
	/** The token is not, or no longer, good. */
	| { readonly status: "refused"; readonly why: string };

export interface LiveOptions {
	readonly token: string;
	readonly onState: (state: LiveState) => void;
	readonly onNodes: (nodes: readonly NodeView[]) => void;
}

/** An event is due every second. */
const silenceMsMax = 6_000;
/** The node ends what it still sends to this page's connections of before. */
const pageName = Math.random().toString(36).slice(2);
const retryMsMin = 500;
const retryMsMax = 5_000;

/** Listens to the node's events, and comes back when they end; not while nobody looks at the page. */
export class Live {
	readonly #options: LiveOptions;
	#attempt: AbortController | undefined;
	#retry: ReturnType<typeof setTimeout> | undefined;
	#retryMs = retryMsMin;
	#isOver = false;

	constructor(options: LiveOptions) {
		this.#options = options;
		document.addEventListener("visibilitychange", this.#visibilityChanged);
		this.#begin();
	}

	close(): void {
		this.#isOver = true;
		document.removeEventListener("visibilitychange", this.#visibilityChanged);
		this.#pause();
	}

	readonly #visibilityChanged = (): void => {
		if (document.hidden) this.#pause();
		else if (this.#attempt === undefined) this.#begin();
	};

	#pause(): void {
		clearTimeout(this.#retry);
		this.#attempt?.abort();
		this.#attempt = undefined;
	}

	#begin(): void {
		clearTimeout(this.#retry);
		const attempt = new AbortController();
		this.#attempt = attempt;
		this.#listen(attempt).then(
			() => this.#ended(attempt, new Error("The node has ended the connection.")),
			(error: Error) => this.#ended(attempt, error),
		);
	}

	async #listen(attempt: AbortController): Promise<void> {
		let patience = setTimeout(() => attempt.abort(), silenceMsMax);
		try {
			const { body } = await ask(`admin/events?page=${pageName}`, this.#options.token, {
				signal: attempt.signal,
			});
			const reader = new EventStreamReader();
			const decoder = new TextDecoder();
			const chunks = body?.getReader();
			for (;;) {
				const chunk = await chunks?.read();
				if (chunk === undefined || chunk.done) return;
				clearTimeout(patience);
				patience = setTimeout(() => attempt.abort(), silenceMsMax);
				for (const data of reader.take(decoder.decode(chunk.value, { stream: true })))
					this.#take(data, attempt);
			}
		} finally {
			clearTimeout(patience);
		}
	}

	#take(data: string, attempt: AbortController): void {
		if (this.#attempt !== attempt) return;
		this.#retryMs = retryMsMin;
		const { nodes } = JSON.parse(data) as { readonly nodes: readonly NodeView[] };
		this.#options.onState({ status: "live" });
		this.#options.onNodes(nodes);
	}

	#ended(attempt: AbortController, error: Error): void {
		// Nobody looks, or another attempt has begun.
		if (this.#attempt !== attempt || this.#isOver) return;
		if (error instanceof RefusedError) {
			this.#attempt = undefined;
			this.#options.onState({ status: "refused", why: error.message });
			return;
		}
		this.#options.onState({
			status: "lost",
			why: error instanceof AnswerError ? `The node answers: ${error.message}.` : "The node does not answer.",
		});
		this.#retry = setTimeout(() => this.#begin(), this.#retryMs);
		this.#retryMs = Math.min(retryMsMax, this.#retryMs * 2);
	}
}
