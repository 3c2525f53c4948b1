import { parentPort, workerData } from "node:worker_threads";
import type { Protocol, Question, Reply, WorkerSettings } from "./messages.ts";
import { toWire } from "./wire-error.ts";

/** What a worker does for each kind of question; what it throws is sent back. */
export type Answers<P extends Protocol<P>> = {
	readonly [K in keyof P]: (ask: P[K]["ask"]) => P[K]["answer"];
};

/** For kinds with large answers, the buffers in them that are moved to the main thread and not copied. */
export type Moved<P extends Protocol<P>> = {
	readonly [K in keyof P]?: (answer: P[K]["answer"]) => readonly (ArrayBufferLike | undefined)[];
};

/**
 * Answers the main thread's questions, one after the other.
 */
export function serve<P extends Protocol<P>>(
	answers: (settings: WorkerSettings) => Answers<P>,
	moved: Moved<P> = {},
): void {
	const port = parentPort;
	if (port === null) throw new Error("this module runs in a worker thread");
	const table = answers(workerData as WorkerSettings);
	port.on("message", ({ id, kind, ask }: Question<P>) => {
		try {
			const answer = table[kind](ask);
			const buffers = (moved[kind]?.(answer) ?? []).filter((buffer) => buffer instanceof ArrayBuffer);
			port.postMessage({ id, status: "done", answer } satisfies Reply<P>, buffers);
		} catch (error) {
			port.postMessage({ id, status: "failed", error: toWire(error) } satisfies Reply<P>);
		}
	});
}
