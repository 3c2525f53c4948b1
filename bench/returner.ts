import { Visitor, type VisitorOptions } from "./visitor.ts";

/** What `@hocuspocus/provider` 4.8 does by default: `delay`, `factor`, `minDelay`, `maxDelay`, `jitter`. */
const delayMs = 1_000;
const factor = 2;
const delayMsMax = 30_000;

export interface ReturnerOptions extends Omit<VisitorOptions, "onSynced" | "onClosed"> {
	/** It has the document, for the first time or again. */
	readonly onSynced: () => void;
	/** An attempt to connect has failed. @param why For people. */
	readonly onFailure: (why: string) => void;
}

/** A {@link Visitor} that connects again when its connection is lost, at the times at which the provider does. */
export class Returner {
	readonly #options: ReturnerOptions;
	#visitor: Visitor;
	/** Attempts that have failed since there was a connection. */
	#failures = 0;
	#timer: NodeJS.Timeout | undefined;
	#hasLeft = false;

	/** Connects. */
	constructor(options: ReturnerOptions) {
		this.#options = options;
		this.#visitor = this.#connect();
	}

	leave(): void {
		this.#hasLeft = true;
		clearTimeout(this.#timer);
		this.#visitor.terminate();
	}

	#connect(): Visitor {
		const visitor = new Visitor({
			...this.#options,
			onClosed: (why) => this.#connectLater(visitor.receivedBytes > 0, why),
		});
		return visitor;
	}

	#connectLater(wasConnected: boolean, why: string): void {
		if (this.#hasLeft) return;
		let waitMs = delayMs;
		if (wasConnected) this.#failures = 0;
		else {
			this.#options.onFailure(why);
			const waitMsMax = Math.min(delayMs * factor ** this.#failures, delayMsMax);
			waitMs += Math.floor(Math.random() * (waitMsMax - delayMs + 1));
			this.#failures += 1;
		}
		this.#timer = setTimeout(() => {
			this.#visitor = this.#connect();
		}, waitMs);
	}
}
