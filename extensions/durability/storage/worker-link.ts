import { Worker, type WorkerOptions } from "node:worker_threads";
import { StoreUnavailableError } from "../store.ts";
import { fromWire } from "./wire-error.ts";
import type { Protocol, Question, Reply } from "./worker-protocol.ts";

interface Pending {
	readonly resolve: (answer: unknown) => void;
	readonly reject: (error: Error) => void;
}

/**
 * Questions to a worker thread and its answers, which it gives in the order of the questions.
 *
 * A worker that dies takes the questions under way with it, as {@link StoreUnavailableError}, and is replaced at the
 * next one. It keeps the process alive only while it has something to answer.
 */
export class WorkerLink<P extends Protocol<P>> {
	readonly #script: URL;
	readonly #options: WorkerOptions;
	readonly #pending = new Map<number, Pending>();
	#worker: Worker | undefined;
	#lastId = 0;

	/** @param script The worker's module, which answers with {@link ./worker-port.ts serve}. */
	constructor(script: URL, options: WorkerOptions & { readonly name: string }) {
		this.#script = script;
		this.#options = options;
	}

	/**
	 * @param transfer Buffers that are moved and not copied: they are empty here afterwards.
	 * @throws What the worker threw, or {@link StoreUnavailableError} when it died or can't be started.
	 */
	ask<K extends keyof P>(
		kind: K,
		ask: P[K]["ask"],
		transfer: readonly ArrayBuffer[] = [],
	): Promise<P[K]["answer"]> {
		return new Promise((resolve, reject) => {
			const worker = this.#worker ?? this.#start();
			this.#lastId += 1;
			const question: Question<P, K> = { id: this.#lastId, kind, ask };
			worker.postMessage(question, transfer);
			if (this.#pending.size === 0) worker.ref();
			this.#pending.set(question.id, { resolve, reject });
		});
	}

	/**
	 * Asks the worker to let go of everything, once it has answered all before, and ends its thread.
	 * @throws What the worker threw; its thread has ended all the same.
	 */
	async close(kind: keyof P): Promise<void> {
		const worker = this.#worker;
		if (worker === undefined) return;
		try {
			await this.ask(kind, undefined);
		} finally {
			await worker.terminate();
		}
	}

	#start(): Worker {
		const worker = new Worker(this.#script, this.#options);
		let failure: Error | undefined;
		worker.on("message", (reply: Reply<P>) => this.#settle(worker, reply));
		worker.on("error", (error: Error) => {
			failure = error;
		});
		worker.on("exit", (exitCode) => this.#abandon(worker, exitCode, failure));
		this.#worker = worker;
		return worker;
	}

	#settle(worker: Worker, reply: Reply<P>): void {
		const pending = this.#pending.get(reply.id);
		this.#pending.delete(reply.id);
		if (this.#pending.size === 0) worker.unref();
		if (reply.status === "done") pending?.resolve(reply.answer);
		else pending?.reject(fromWire(reply.error));
	}

	#abandon(worker: Worker, exitCode: number, failure: Error | undefined): void {
		if (this.#worker !== worker) return;
		this.#worker = undefined;
		const reason = failure === undefined ? `exit code ${exitCode}` : failure.message;
		const abandoned = [...this.#pending.values()];
		this.#pending.clear();
		for (const { reject } of abandoned) {
			reject(
				new StoreUnavailableError(`the thread ${this.#options.name} ended: ${reason}`, {
					code: "WORKER_ENDED",
					cause: failure,
				}),
			);
		}
	}
}
