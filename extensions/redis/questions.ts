import type { Position } from "./frames.ts";

interface Question {
	/** No other question before. */
	readonly untilMs: number;
	/** It was answered, and something is missing all the same. */
	isAnswered: boolean;
	/** How far the other node has said to be since. */
	news: Position | undefined;
}

/** For an answer; and until the next question, when an answer did not bring what was missing. */
const answerMsMax = 2_000;

/** Which nodes were asked for what is missing of a document, so that each is asked once at a time. Pure. */
export class Questions {
	readonly #asked = new Map<string, Question>();

	/**
	 * Something from this node is missing.
	 * @param news How far it says to be.
	 * @returns Whether to ask it now.
	 */
	ask(node: string, nowMs: number, news: Position | undefined): boolean {
		const question = this.#asked.get(node);
		if (question === undefined) {
			this.#asked.set(node, { untilMs: nowMs + answerMsMax, isAnswered: false, news: undefined });
			return true;
		}
		question.news = news ?? question.news;
		return false;
	}

	/**
	 * The node has answered.
	 * @param isWhole Whether nothing seems to be missing any more. If something is, asking again at once would bring the same.
	 * @returns What the node has said since it was asked, which may be a reason to ask again.
	 */
	answered(node: string, isWhole: boolean): Position | undefined {
		const question = this.#asked.get(node);
		if (question === undefined) return undefined;
		if (isWhole) {
			this.#asked.delete(node);
			return question.news;
		}
		question.isAnswered = true;
		return undefined;
	}

	/** The node is gone. */
	forget(node: string): void {
		this.#asked.delete(node);
	}

	/** Closes questions that have taken too long. */
	expire(nowMs: number): { readonly isOneUnanswered: boolean; readonly areSomeOpen: boolean } {
		let isOneUnanswered = false;
		for (const [node, { untilMs, isAnswered }] of this.#asked) {
			if (nowMs < untilMs) continue;
			this.#asked.delete(node);
			isOneUnanswered ||= !isAnswered;
		}
		return { isOneUnanswered, areSomeOpen: this.#asked.size > 0 };
	}
}
