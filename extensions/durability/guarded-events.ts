import type { Document } from "@hocuspocus/server";
import type { DurabilityLogger } from "./logging.ts";

/**
 * When a listener of these throws, Yjs 13.6 emits no `update` for the edit, or for none that comes after it, and yet keeps
 * them all.
 */
const unguardedEvents: ReadonlySet<string> = new Set([
	"beforeAllTransactions",
	"beforeTransaction",
	"afterTransactionCleanup",
	"update",
	"updateV2",
	"subdocs",
]);

/**
 * Yjs makes the list of a document's transactions anew after each, and V8 takes it for long-lived, as it is there until the next one:
 * with the list, what is in it would stay until all of the heap is looked through.
 * @param payload Of `afterAllTransactions`, which nobody listens to.
 */
function letGo([, transactions]: readonly unknown[]): void {
	if (Array.isArray(transactions)) transactions.splice(0);
}

/** Keeps somebody's listener that throws from keeping edits from the log. */
export function guardEvents(document: Document, logger: DurabilityLogger): void {
	document.emit = (name, payload) => {
		// Most of what Yjs tells with each edit nobody wants to know.
		const listeners = document._observers.get(name);
		if (listeners === undefined) {
			if (name === "afterAllTransactions") letGo(payload);
			return;
		}
		try {
			// Those who begin to listen now are not told; as in `ObservableV2` of lib0 0.2.
			for (const listener of [...listeners]) listener(...payload);
		} catch (error) {
			if (!unguardedEvents.has(name)) throw error;
			logger.error({ err: error, documentName: document.name }, `a listener of "${name}" failed`);
		}
	};
}
