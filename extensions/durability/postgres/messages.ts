import type { CompactionResult } from "../store.ts";

/** What the main thread asks of the worker that compacts; it has a connection of its own. */
export interface CompactionProtocol {
	compact: { ask: { readonly documentName: string; readonly gc: boolean }; answer: CompactionResult };
	close: { ask: undefined; answer: undefined };
}
