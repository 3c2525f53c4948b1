import { randomUUID } from "node:crypto";
import type { NodeAnswer } from "./facts.ts";
import {
	type AdminMessage,
	type Answers,
	answerSchemas,
	type Question,
	type QuestionType,
	readAdminMessage,
} from "./questions.ts";

/** A way to the other nodes, see `RedisBus.join`. */
export interface Circle {
	/** This node's name among the others. */
	readonly identifier: string;
	/** The others. */
	readonly nodes: readonly string[];
	join(topic: string, received: (payload: string) => void, repeat: () => void): (payload: string) => void;
}

export interface NodeCircleOptions {
	/** `undefined` for a node that is alone. */
	readonly circle: Circle | undefined;
	/** Answers for this node. */
	readonly answer: (question: Question) => Promise<unknown>;
}

export type Audience = "all" | "others" | { readonly node: string };

interface Waiting {
	readonly type: QuestionType;
	/** Who has not answered yet. */
	readonly missing: Set<string>;
	/** Those of them who are worth waiting for. */
	readonly awaited: Set<string>;
	readonly answers: NodeAnswer<unknown>[];
	readonly settle: () => void;
}

/** Questions that wait for answers at a time; a page asks three every two seconds. */
const waitingMax = 200;
/** Questions in a row that a node leaves unanswered until nobody waits for it: it has no admin token, or is dead. */
const missedMax = 4;
/** Answers that are being made for others at a time. */
const answeringMax = 50;

const aloneIdentifier = "this-node";

/**
 * Asks nodes, this one among them, and answers for this one. Redis forgets what it can't deliver, and nodes may come and go:
 * whoever does not answer in time is left out. Nobody who has no part in the nodes' Redis can ask.
 */
export class NodeCircle {
	readonly identifier: string;
	readonly #options: NodeCircleOptions;
	readonly #tell: (payload: string) => void;
	readonly #waiting = new Map<string, Waiting>();
	/** By node: how many questions in a row it has not answered in time. */
	#missed = new Map<string, number>();
	#answering = 0;

	constructor(options: NodeCircleOptions) {
		const { circle } = options;
		this.#options = options;
		this.identifier = circle?.identifier ?? aloneIdentifier;
		this.#tell =
			circle?.join(
				"admin",
				(payload) => this.#heard(payload),
				() => {},
			) ?? (() => {});
	}

	/** All nodes that are heard, this one first. */
	get nodes(): readonly string[] {
		return [this.identifier, ...this.#others];
	}

	/** @returns What those have answered who did within the deadline, this one first. */
	async ask<Type extends QuestionType>(
		question: Extract<Question, { type: Type }>,
		{ to, deadlineMs }: { readonly to: Audience; readonly deadlineMs: number },
	): Promise<readonly NodeAnswer<Answers[Type]>[]> {
		const isAsked = (node: string) =>
			typeof to === "object" ? node === to.node : to === "all" || node !== this.identifier;
		const asked = this.#others.filter(isAsked);
		const others = this.#askOthers(
			question,
			asked,
			typeof to === "object" ? asked : this.#worthWaiting,
			deadlineMs,
		);
		const own = isAsked(this.identifier) ? [await this.#own(question)] : [];
		return [...own, ...(await others)] as NodeAnswer<Answers[Type]>[];
	}

	get #others(): readonly string[] {
		return this.#options.circle?.nodes ?? [];
	}

	async #own(question: Question): Promise<NodeAnswer<unknown>> {
		return { node: this.identifier, answer: await this.#options.answer(question) };
	}

	get #worthWaiting(): readonly string[] {
		return this.#others.filter((node) => (this.#missed.get(node) ?? 0) < missedMax);
	}

	async #askOthers(
		question: Question,
		others: readonly string[],
		awaited: readonly string[],
		deadlineMs: number,
	): Promise<readonly NodeAnswer<unknown>[]> {
		const [only] = others;
		if (only === undefined || this.#waiting.size >= waitingMax) return [];
		const id = randomUUID();
		const to = others.length === 1 ? only : undefined;
		const waiting = Promise.withResolvers<void>();
		const asked: Waiting = {
			type: question.type,
			missing: new Set(others),
			awaited: new Set(awaited),
			answers: [],
			settle: waiting.resolve,
		};
		this.#waiting.set(id, asked);
		this.#say({ type: "asked", id, from: this.identifier, to, question });
		const timer = setTimeout(waiting.resolve, deadlineMs);
		if (asked.awaited.size === 0) waiting.resolve();
		await waiting.promise;
		clearTimeout(timer);
		this.#waiting.delete(id);
		this.#noteMissing(asked.missing);
		return asked.answers;
	}

	#noteMissing(missing: ReadonlySet<string>): void {
		if (missing.size === 0 && this.#missed.size === 0) return;
		const misses = (node: string) => (this.#missed.get(node) ?? 0) + (missing.has(node) ? 1 : 0);
		// Nothing is remembered of those who are gone.
		this.#missed = new Map(this.#others.map((node) => [node, misses(node)]));
	}

	#heard(payload: string): void {
		const message = readAdminMessage(payload);
		if (message === undefined || (message.to !== undefined && message.to !== this.identifier)) return;
		if (message.type === "answered") this.#answered(message);
		// It never rejects.
		else void this.#answer(message);
	}

	async #answer({ id, from, question }: AdminMessage & { type: "asked" }): Promise<void> {
		if (this.#answering >= answeringMax) return;
		this.#answering += 1;
		try {
			const answer = await this.#options.answer(question);
			this.#say({ type: "answered", id, from: this.identifier, to: from, answer });
		} catch {
			// Whoever asked does without it; this node logs its own troubles.
		} finally {
			this.#answering -= 1;
		}
	}

	#answered({ id, from, answer }: AdminMessage & { type: "answered" }): void {
		// However late: it takes part.
		this.#missed.delete(from);
		const waiting = this.#waiting.get(id);
		if (waiting === undefined || !waiting.missing.delete(from)) return;
		const read = answerSchemas[waiting.type].safeParse(answer);
		if (read.success) waiting.answers.push({ node: from, answer: read.data });
		waiting.awaited.delete(from);
		if (waiting.awaited.size === 0) waiting.settle();
	}

	#say(message: AdminMessage): void {
		this.#tell(JSON.stringify(message));
	}
}
