import type { ConnectionLimit } from "./connection-limit-names.ts";
import type { ContentLimit } from "./content-limit-names.ts";

/** Which limit it was. Each has a row in extensions/limits/README.md. */
export type LimitName = ConnectionLimit | ContentLimit;

/**
 * A limit was met, for metrics. "slowed": nothing was lost, the sender is read later. "refused": what was asked for is not
 * done, and the connection stays, if there was one. "closed": the connection was ended.
 */
export interface LimitEvent {
	readonly type: "slowed" | "closed" | "refused";
	readonly limit: LimitName;
}

export type LimitListener = (event: LimitEvent) => void;
