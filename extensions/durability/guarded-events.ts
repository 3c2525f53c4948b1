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
	const emit = document.emit.bind(document);
	document.emit = (name, payload) => {
		// Most of what Yjs tells with each edit nobody wants to know.
		if (!document._observers.has(name)) return;
		if (!unguardedEvents.has(name)) return emit(name, payload);
		try {
			emit(name, payload);
		} catch (error) {
			logger.error({ err: error, documentName: document.name }, `a listener of "${name}" failed`);
		}
	};
}
