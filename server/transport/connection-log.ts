import type { DurabilityLogger } from "../../extensions/durability/index.ts";
import { LinePace } from "../../extensions/metrics/line-pace.ts";
import type { ClientSocket } from "./client-socket.ts";
import type { SocketEnd } from "./socket-end.ts";

/** What a connection is called in the log. */
export interface ConnectionNames {
	/** Hocuspocus' `socketId`, which hooks are given as well. */
	readonly connection: string;
	/** What a trusted proxy calls the request that it began with. */
	readonly request?: string | undefined;
}

/**
 * A line for each connection, when it ends. It says nothing of who it was and what they wrote: no address, no name, no
 * document. Of connections that opened no document, as many as a flood brings, only some get one.
 */
export class ConnectionLog {
	readonly #logger: DurabilityLogger;
	readonly #strangers = new LinePace(performance.now());

	constructor(logger: DurabilityLogger) {
		this.#logger = logger;
	}

	opened(names: ConnectionNames): void {
		this.#logger.debug(names, "a connection was opened");
	}

	ended(names: ConnectionNames, socket: ClientSocket, end: SocketEnd): void {
		const nowMs = performance.now();
		const facts = {
			...names,
			durationMs: Math.round(nowMs - socket.openedMs),
			...end,
			documents: socket.documents,
			updatesReceived: socket.edits,
			updatesSent: socket.deliveries,
			receivedBytes: socket.receivedBytes,
			sentBytes: socket.sentBytes,
			...(socket.timesBehind > 0 ? { timesBehind: socket.timesBehind } : {}),
		};
		if (socket.documents > 0) {
			this.#logger.info(facts, "a connection ended");
			return;
		}
		const omitted = this.#strangers.take(nowMs);
		if (omitted === undefined) return;
		this.#logger.info(
			{ ...facts, ...(omitted > 0 ? { sinceLastLine: omitted } : {}) },
			"a connection ended that had opened no document",
		);
	}
}
