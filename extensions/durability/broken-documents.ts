import type { Document } from "@hocuspocus/server";
import { leaveWithLastClient } from "../linger/leaving.ts";
import { gateCloseEvents } from "./ack-gate.ts";
import type { Clock } from "./clock.ts";
import type { DurabilityLogger } from "./logging.ts";

/**
 * Transactions end with the turn in which they begin. Where Yjs did not get to the end of one, its document takes edits and tells
 * nobody of them any more. It leaves memory, and its clients come back to what is logged with what was not acknowledged [TRN5].
 */
export class BrokenDocuments {
	readonly #clock: Clock;
	readonly #logger: DurabilityLogger;
	/** Documents in which Yjs has not ended a transaction, until it is known whether it does. */
	readonly #suspects = new Set<Document>();

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
}
