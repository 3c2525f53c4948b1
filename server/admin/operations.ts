import { hostname } from "node:os";
import type { DurabilityLogger } from "../../extensions/durability/index.ts";
import type { IndelibleNode } from "../node.ts";
import type {
	ClusterConnection,
	ClusterDocumentList,
	ConnectionFacts,
	DocumentFacts,
	DocumentList,
	DocumentQuery,
	NodeAnswer,
	NodeOverview,
	Outcome,
	Pulse,
} from "./facts.ts";
import { heaviest } from "./heaviest.ts";
import { mergeLists } from "./merge-lists.ts";
import { NodeCircle } from "./node-circle.ts";
import { NodeWatch } from "./node-watch.ts";
import type { Question } from "./questions.ts";
import { readingOf } from "./reading.ts";
import { RecentAnswers } from "./recent-answers.ts";
import { Sampler } from "./sampler.ts";

export interface OperationsOptions {
	readonly node: IndelibleNode;
	readonly version: string;
	readonly logger: DurabilityLogger;
}

/** What a question to other nodes may take; one through Redis takes some ms. */
const askMs = 1_000;
const toAll = { to: "all", deadlineMs: askMs } as const;
/** A document may be large. */
const measureMs = 15_000;
/** An unload waits for its document for up to four seconds. */
const unloadMs = 4_500;

/**
 * What operators see and do on the admin page, on this node and on those that it hears through Redis. It is made only where there
 * is an admin token, and nodes without one take no part.
 */
export class Operations {
	readonly #node: IndelibleNode;
	readonly #version: string;
	readonly #logger: DurabilityLogger;
	readonly #sampler: Sampler;
	readonly #circle: NodeCircle;
	readonly #recent = new RecentAnswers();
	/** How all nodes are, while somebody watches. */
	readonly watch: NodeWatch;

	constructor({ node, version, logger }: OperationsOptions) {
		this.#node = node;
		this.#version = version;
		this.#logger = logger;
		this.#sampler = new Sampler(readingOf(node));
		this.#circle = new NodeCircle({ circle: node.bus, answer: (question) => this.#answer(question) });
		this.watch = new NodeWatch(this.#circle);
	}

	/** This node's name among the others. */
	get identifier(): string {
		return this.#circle.identifier;
	}

	/** Has the next answers be of now: something was done whose result is to be seen. */
	refresh(): void {
		this.#recent.forget();
	}

	/** Documents in memory anywhere; one that several nodes have open is one row. */
	async documents(query: DocumentQuery): Promise<ClusterDocumentList> {
		const answers = await this.#circle.ask({ type: "documents", query }, toAll);
		return mergeLists(answers, query);
	}

	/** @returns What each node has of it that has it in memory. */
	async document(name: string, isMeasured: boolean): Promise<readonly NodeAnswer<DocumentFacts>[]> {
		const answers = await this.#circle.ask({ type: "document", name, isMeasured: false }, toAll);
		const having = answers.flatMap(({ node, answer }) => (answer === null ? [] : [{ node, answer }]));
		const [first, ...others] = having;
		if (!isMeasured || first === undefined) return having;
		// They share the store, and have the same document.
		const to = { node: first.node };
		const [again] = await this.#circle.ask(
			{ type: "document", name, isMeasured },
			{ to, deadlineMs: measureMs },
		);
		return again === undefined || again.answer === null
			? having
			: [{ node: again.node, answer: again.answer }, ...others];
	}

	async slowReaders(limit: number): Promise<readonly ClusterConnection[]> {
		const answers = await this.#circle.ask({ type: "slow-readers", limit }, toAll);
		const all = answers.flatMap(({ node, answer }) => answer.map((facts) => ({ ...facts, node })));
		return heaviest(all, limit, ({ waitingBytes }) => waitingBytes);
	}

	/** On whichever node it is. */
	async closeConnection(id: string): Promise<Outcome> {
		const answers = await this.#circle.ask({ type: "close-connection", id }, toAll);
		const done = answers.find(({ answer }) => answer.done);
		return (
			done?.answer ?? { done: false, detail: "There is no such connection; it may have gone by itself." }
		);
	}

	/** On all nodes. */
	async unload(name: string): Promise<readonly NodeAnswer<Outcome>[]> {
		return this.#circle.ask({ type: "unload", name }, { to: "all", deadlineMs: unloadMs });
	}

	/** @returns `undefined` when there is no such node, or it does not answer. */
	async drain(node: string): Promise<Outcome | undefined> {
		const [answer] = await this.#circle.ask({ type: "drain" }, { to: { node }, deadlineMs: askMs });
		return answer?.answer;
	}

	close(): void {
		this.#sampler.close();
		this.watch.close();
	}

	#pulse(afterS: number): Pulse {
		return { overview: this.#overview(), samples: this.#sampler.after(afterS) };
	}

	#overview(): NodeOverview {
		return {
			id: this.identifier,
			host: hostname(),
			processId: process.pid,
			version: this.#version,
			startedMs: Math.round(performance.timeOrigin),
			...this.#node.overview(),
		};
	}

	async #answer(
		question: Question,
	): Promise<Pulse | DocumentList | DocumentFacts | readonly ConnectionFacts[] | Outcome | null> {
		const node = this.#node;
		switch (question.type) {
			case "pulse":
				return this.#pulse(question.after[this.identifier] ?? 0);
			case "documents":
				return this.#recently(question, () => node.documents(question.query));
			case "document":
				if (question.isMeasured) return this.#measured(question.name);
				return this.#recently(question, () => this.#document(question.name));
			case "slow-readers":
				return this.#recently(question, () => node.slowReaders(question.limit));
			case "close-connection":
				this.refresh();
				return this.#closeConnection(question.id);
			case "unload":
				return this.#unload(question.name).finally(() => this.refresh());
			case "drain":
				return this.#drain();
		}
	}

	#recently<Answer>(question: Question, find: () => Answer): Answer {
		return this.#recent.give(JSON.stringify(question), performance.now(), find);
	}

	#document(name: string): DocumentFacts | null {
		return this.#node.document(name) ?? null;
	}

	async #measured(name: string): Promise<DocumentFacts | null> {
		const measured = await this.#node.measure(name);
		const facts = this.#document(name);
		return facts === null ? null : { ...facts, measured: measured ?? null };
	}

	#closeConnection(id: string): Outcome {
		const done = this.#node.closeConnection(id);
		if (done) this.#logger.info({ connection: id }, "an operator has closed a connection");
		return { done, detail: done ? "The connection was closed." : "There is no such connection here." };
	}

	async #unload(documentName: string): Promise<Outcome> {
		const outcome = await this.#node.unload(documentName);
		this.#logger.info({ ...outcome }, "an operator has unloaded a document");
		this.#logger.debug({ documentName }, "the document that was unloaded");
		return outcome;
	}

	/** Does not wait for it: how it goes, everybody can watch. */
	#drain(): Outcome {
		const { phase } = this.#node.overview();
		if (phase !== "serving") return { done: false, detail: `The node is ${phase} already.` };
		this.#logger.warn({}, "an operator has this node drain; it takes nobody new until it is started again");
		this.#node.drain().then(
			() => this.#logger.info({}, "drained: all connections are closed and everything is saved"),
			(error: Error) => this.#logger.error({ err: error }, "draining failed"),
		);
		return { done: true, detail: "The node takes nobody new, and closes its connections." };
	}
}
