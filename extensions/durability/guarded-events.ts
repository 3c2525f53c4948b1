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

/** Keeps somebody's listener that throws from keeping edits from the log. */
export function guardEvents(document: Document, logger: DurabilityLogger): void {
	document.emit = (name, payload) => {
		// Most of what Yjs tells with each edit nobody wants to know.
		const listeners = document._observers.get(name);
		if (listeners === undefined) return;
		try {
			// Those who begin to listen now are not told; as in `ObservableV2` of lib0 0.2.
			for (const listener of [...listeners]) listener(...payload);
		} catch (error) {
			if (!unguardedEvents.has(name)) throw error;
			logger.error({ err: error, documentName: document.name }, `a listener of "${name}" failed`);
		}
	};
}
