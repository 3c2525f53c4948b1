import { fromWire } from "../storage/wire-error.ts";
import type { Loaded, PackedDocument } from "./messages.ts";

interface Waiting {
	readonly documentName: string;
	readonly resolve: (document: PackedDocument) => void;
	readonly reject: (error: unknown) => void;
}

/** Documents that are read with one question: more of them would keep those who have asked first waiting. */
const documentsPerQuestion = 16;

/**
 * Asks for what is wanted in one turn of the event loop together: a message to another thread and back takes as long as reading a small
 * document, and everybody comes back at once.
 */
export class GroupedLoads {
	readonly #ask: (documentNames: readonly string[]) => Promise<readonly Loaded[]>;
	#waiting: Waiting[] = [];

	/** @param ask Answers for each of them, in their order. It may throw. */
	constructor(ask: (documentNames: readonly string[]) => Promise<readonly Loaded[]>) {
		this.#ask = ask;
	}

	/** @throws What reading it has thrown. */
	load(documentName: string): Promise<PackedDocument> {
		return new Promise((resolve, reject) => {
			if (this.#waiting.length === 0) setImmediate(() => this.#askAll());
			this.#waiting.push({ documentName, resolve, reject });
		});
	}

	#askAll(): void {
		const waiting = this.#waiting;
		this.#waiting = [];
		for (let at = 0; at < waiting.length; at += documentsPerQuestion)
			// It tells those who wait of its failure.
			void this.#askFor(waiting.slice(at, at + documentsPerQuestion));
	}

	async #askFor(waiting: readonly Waiting[]): Promise<void> {
		try {
			const answers = await this.#ask(waiting.map(({ documentName }) => documentName));
			for (const [index, { resolve, reject }] of waiting.entries()) {
				const answer = answers[index];
				if (answer?.status === "done") resolve(answer.document);
				else reject(answer === undefined ? new Error("no answer") : fromWire(answer.error));
			}
		} catch (error) {
			for (const { reject } of waiting) reject(error);
		}
	}
}
