import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { SharedSlot } from "./shared-slot.ts";
import { type ErrorCode, toWire } from "./wire-error.ts";
import type { Protocol, Question, Reply, WorkerStart } from "./worker-protocol.ts";

/** What a worker does at once for each kind of question; what it throws is sent back. */
type PromptAnswers<P extends Protocol<P>> = {
	readonly [K in keyof P]: (ask: P[K]["ask"]) => P[K]["answer"];
};

export interface AttentiveOptions<P extends Protocol<P>, Settings> {
	readonly answers: (settings: Settings) => PromptAnswers<P>;
	/** The kind of question that may come through the {@link SharedSlot}, and be answered there, if the answer is a number. */
	readonly briefKind: keyof P;
	readonly errorCode: ErrorCode;
	/** How long the thread stays blocked when nobody asks, in ms; 5 s by default. Then it goes back to its event loop, where V8 may tidy up. */
	readonly patienceMs?: number;
}

/** It goes back there after so many questions, too. */
const questionsInOneGo = 1_000;

/**
 * Answers the main thread's questions in their order, as {@link ./worker-port.ts serve} does, and waits for the next one where it costs least to be
 * woken: blocked, for as long as they keep coming.
 * @typeParam Settings What the link was given as `workerData`.
 */
export function serveAttentively<P extends Protocol<P>, Settings>({
	answers,
	briefKind,
	errorCode,
	patienceMs = 5_000,
}: AttentiveOptions<P, Settings>): void {
	const port = parentPort;
	const { settings, slot: memory } = workerData as WorkerStart<Settings>;
	if (port === null || memory === undefined) throw new Error("this module runs in a worker with a slot");
	const slot = new SharedSlot(memory);
	const table = answers(settings);

	const replyTo = ({ id, kind, ask }: Question<P>): Reply<P> => {
		try {
			return { id, status: "done", answer: table[kind](ask) };
		} catch (error) {
			return { id, status: "failed", error: toWire(error, errorCode) };
		}
	};
	const answerSlot = () => {
		const taken = slot.take();
		if (taken === undefined) return;
		const reply = replyTo({ id: taken.id, kind: briefKind, ask: taken.question });
		if (reply.status === "done" && typeof reply.answer === "number") slot.answer(reply.answer);
		else port.postMessage(reply);
	};
	/** @param question What is in the slot was asked before. A message may have none, and only wake. */
	const answerInTurn = (question: Question<P> | undefined) => {
		answerSlot();
		if (question !== undefined) port.postMessage(replyTo(question));
	};
	const attend = () => {
		slot.isWaiting = true;
		for (let left = questionsInOneGo; left > 0; left -= 1) {
			const heard = slot.rung;
			answerSlot();
			for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
				answerInTurn(next.message);
			if (!slot.wait(heard, patienceMs)) break;
		}
		slot.isWaiting = false;
		answerSlot();
	};

	let isGoingToAttend = false;
	port.on("message", (question: Question<P> | undefined) => {
		answerInTurn(question);
		if (isGoingToAttend) return;
		isGoingToAttend = true;
		setImmediate(() => {
			isGoingToAttend = false;
			attend();
		});
	});
}
