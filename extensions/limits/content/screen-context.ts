import type { Clock } from "../../durability/clock.ts";
import type { SingleRefusals } from "../../sync/single-refusals.ts";
import type { LimitReports } from "../limit-reports.ts";
import type { ConflictEfforts } from "./conflict-effort.ts";
import type { defaultContentLimits } from "./content-defaults.ts";
import type { Costs } from "./costs.ts";
import type { Strikes } from "./strikes.ts";

export type ContentLimitsMax = Readonly<Record<keyof typeof defaultContentLimits, number>>;

/** What all documents of a server share. */
export interface ScreenContext {
	/** `Infinity` for no limit. */
	readonly limits: ContentLimitsMax;
	/** How large a document is at most that was just loaded, in bytes; `undefined` when nobody knows. */
	readonly storedBytes: (documentName: string) => number | undefined;
	readonly clock: Clock;
	readonly reports: LimitReports;
	readonly refusals: SingleRefusals;
	readonly efforts: ConflictEfforts;
	readonly costs: Costs;
	readonly pendingStrikes: Strikes;
	readonly presenceStrikes: Strikes;
}
