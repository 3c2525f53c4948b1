import { parentPort, workerData } from "node:worker_threads";
import { type ErrorCode, toWire } from "./wire-error.ts";
import type { Protocol, Question, Reply, WorkerStart } from "./worker-protocol.ts";

/** What a worker does for each kind of question; what it throws is sent back. */
export type Answers<P extends Protocol<P>> = {
	readonly [K in keyof P]: (ask: P[K]["ask"]) => P[K]["answer"] | Promise<P[K]["answer"]>;
};

/** For kinds with large answers, the buffers in them that are moved to the main thread and not copied. */
export type Moved<P extends Protocol<P>> = {
	readonly [K in keyof P]?: (answer: P[K]["answer"]) => readonly (ArrayBufferLike | undefined)[];
};

export interface ServeOptions<P extends Protocol<P>, Settings> {
	readonly answers: (settings: Settings) => Answers<P>;
	readonly moved?: Moved<P>;
	readonly errorCode: ErrorCode;
}

/**
 * Answers the main thread's questions: one after the other those that are answered at once, the others as they are done.
 * @typeParam Settings What the link was given as `workerData`.
 */
export function serve<P extends Protocol<P>, Settings>({
	answers,
	moved = {},
	errorCode,
}: ServeOptions<P, Settings>): void {
	const port = parentPort;
	if (port === null) throw new Error("this module runs in a worker thread");
	const table = answers((workerData as WorkerStart<Settings>).settings);
	port.on("message", async ({ id, kind, ask }: Question<P>) => {
		try {
			const answer = await table[kind](ask);
			const buffers = (moved[kind]?.(answer) ?? []).filter((buffer) => buffer instanceof ArrayBuffer);
			port.postMessage({ id, status: "done", answer } satisfies Reply<P>, buffers);
		} catch (error) {
			port.postMessage({ id, status: "failed", error: toWire(error, errorCode) } satisfies Reply<P>);
		}
	});
}
