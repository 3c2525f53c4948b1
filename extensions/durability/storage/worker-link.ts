import { Worker, type WorkerOptions } from "node:worker_threads";
import { StoreUnavailableError } from "../store.ts";
import { SharedSlot } from "./shared-slot.ts";
import { fromWire } from "./wire-error.ts";
import type { Protocol, Question, Reply, WorkerStart } from "./worker-protocol.ts";

interface Pending {
	readonly resolve: (answer: unknown) => void;
	readonly reject: (error: Error) => void;
}

interface Running {
	readonly worker: Worker;
	readonly slot: SharedSlot | undefined;
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
	readonly #isAttentive: boolean;
	readonly #pending = new Map<number, Pending>();
	#running: Running | undefined;
	#lastId = 0;

	/**
	 * @param script The worker's module, which answers with {@link ./worker-port.ts serve}.
	 * @param isAttentive Whether it answers with {@link ./attentive-port.ts serveAttentively}.
	 */
	constructor(script: URL, options: WorkerOptions & { readonly name: string }, isAttentive = false) {
		this.#script = script;
		this.#options = options;
		this.#isAttentive = isAttentive;
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
			const { worker, slot } = this.#running ?? this.#start();
			this.#post(worker, kind, ask, transfer);
			slot?.ring();
			this.#expect(worker, { resolve, reject });
		});
	}

	/**
	 * Asks what an attentive worker is asked so often that it goes through the {@link SharedSlot}, if it is short and nothing else is under way.
	 * @param bytes The size of the question.
	 * @param write Writes it to the beginning of what it is given.
	 * @throws As {@link ask}.
	 */
	askBriefly<K extends keyof P>(
		kind: Uint8Array extends P[K]["ask"] ? K : never,
		bytes: number,
		write: (target: Buffer) => void,
	): Promise<P[K]["answer"]> {
		return new Promise((resolve, reject) => {
			const { worker, slot } = this.#running ?? this.#start();
			if (slot !== undefined && this.#pending.size === 0 && SharedSlot.fits(bytes)) {
				slot.put(this.#lastId + 1, bytes, write);
				this.#lastId += 1;
				if (!slot.ring()) worker.postMessage(undefined);
			} else {
				const question = Buffer.from(new ArrayBuffer(bytes));
				write(question);
				this.#post(worker, kind, question, [question.buffer]);
				slot?.ring();
			}
			this.#expect(worker, { resolve, reject });
		});
	}

	#post<K extends keyof P>(
		worker: Worker,
		kind: K,
		ask: P[K]["ask"],
		transfer: readonly ArrayBuffer[],
	): void {
		const question: Question<P, K> = { id: this.#lastId + 1, kind, ask };
		worker.postMessage(question, transfer);
		this.#lastId += 1;
	}

	/** The answer to the last question. */
	#expect(worker: Worker, pending: Pending): void {
		if (this.#pending.size === 0) worker.ref();
		this.#pending.set(this.#lastId, pending);
	}

	/**
	 * Asks the worker to let go of everything, once it has answered all before, and ends its thread.
	 * @throws What the worker threw; its thread has ended all the same.
	 */
	async close(kind: keyof P): Promise<void> {
		const running = this.#running;
		if (running === undefined) return;
		try {
			await this.ask(kind, undefined);
		} finally {
			await running.worker.terminate();
		}
	}

	#start(): Running {
		const slot = this.#isAttentive ? new SharedSlot() : undefined;
		const start: WorkerStart<unknown> = { settings: this.#options.workerData, slot: slot?.memory };
		const worker = new Worker(this.#script, { ...this.#options, workerData: start });
		let failure: Error | undefined;
		worker.on("message", (reply: Reply<P>) => {
			// What stands in the slot was answered before.
			this.#hear(worker, slot);
			this.#settle(worker, reply);
		});
		worker.on("error", (error: Error) => {
			failure = error;
		});
		worker.on("exit", (exitCode) => {
			this.#hear(worker, slot);
			this.#abandon(worker, exitCode, failure);
			slot?.end();
		});
		this.#running = { worker, slot };
		if (slot !== undefined) this.#listen(worker, slot);
		return this.#running;
	}

	/** Always, as what is answered with a message is not announced in the slot. */
	#listen(worker: Worker, slot: SharedSlot): void {
		slot.onceAnswered(() => {
			this.#hear(worker, slot);
			if (this.#running?.worker === worker) this.#listen(worker, slot);
		});
	}

	#hear(worker: Worker, slot: SharedSlot | undefined): void {
		const answered = slot?.takeAnswer();
		if (answered !== undefined) this.#take(worker, answered.id)?.resolve(answered.answer);
	}

	#settle(worker: Worker, reply: Reply<P>): void {
		const pending = this.#take(worker, reply.id);
		if (reply.status === "done") pending?.resolve(reply.answer);
		else pending?.reject(fromWire(reply.error));
	}

	/** @returns Who waits for this answer. */
	#take(worker: Worker, id: number): Pending | undefined {
		const pending = this.#pending.get(id);
		this.#pending.delete(id);
		if (this.#pending.size === 0) worker.unref();
		return pending;
	}

	#abandon(worker: Worker, exitCode: number, failure: Error | undefined): void {
		if (this.#running?.worker !== worker) return;
		this.#running = undefined;
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
