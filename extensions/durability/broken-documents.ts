import type { Document } from "@hocuspocus/server";
import { leaveWithLastClient } from "../linger/leaving.ts";
import { closeSocket, gateCloseEvents } from "./ack-gate.ts";
import type { Clock } from "./clock.ts";
import type { DurabilityLogger } from "./logging.ts";

/** Past it, all are forgotten: somebody opens each of them once more before it is refused. */
const unbuildableMax = 1_000;

/**
 * Transactions end with the turn in which they begin. Where Yjs did not get to the end of one, its document takes edits and tells
 * nobody of them any more. It leaves memory, and its clients come back to what is logged with what was not acknowledged [TRN5].
 */
export class BrokenDocuments {
	readonly #clock: Clock;
	readonly #logger: DurabilityLogger;
	/** Documents in which Yjs has not ended a transaction, until it is known whether it does. */
	readonly #suspects = new Set<Document>();
	/** Names of those of which somebody had a look that failed. */
	readonly #unbuildable = new Set<string>();

	constructor(clock: Clock, logger: DurabilityLogger) {
		this.#clock = clock;
		this.#logger = logger;
	}

	endIfBroken(document: Document): void {
		if (this.#suspects.has(document)) return;
		this.#suspects.add(document);
		this.#clock.after(0, () => {
			this.#suspects.delete(document);
			if (document._transactionCleanups.length === 0) return;
			this.#logger.error(
				{ documentName: document.name },
				"Yjs did not survive an edit of a document; it is loaded again, and its clients come back",
			);
			leaveWithLastClient(document);
			for (const connection of document.getConnections()) connection.close(gateCloseEvents.documentLeft);
		});
	}

	/**
	 * What is stored of a document can be read, and Yjs makes no document of it. It leaves memory, and whoever comes back to it is refused, with the
	 * reason, as it is built then before anybody is let in [DUR5].
	 */
	endUnbuildable(document: Document, err: unknown): void {
		const documentName = document.name;
		if (this.#unbuildable.size >= unbuildableMax) this.#unbuildable.clear();
		this.#unbuildable.add(documentName);
		this.#logger.error({ err, documentName }, "a document can't be made of what is stored of it");
		leaveWithLastClient(document);
		// Those who look are in the middle of something.
		this.#clock.after(0, () => {
			for (const connection of document.getConnections())
				closeSocket(connection, gateCloseEvents.documentLeft);
		});
	}

	/** Whether it is not known that a document can be made of what is stored under this name, as one could not the last time. */
	isUnbuildable(documentName: string): boolean {
		return this.#unbuildable.has(documentName);
	}

	wasBuilt(documentName: string): void {
		this.#unbuildable.delete(documentName);
	}
}
