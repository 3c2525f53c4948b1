import type { Clock } from "./clock.ts";
import type { CompactionThresholds } from "./compaction-policy.ts";
import type { DurabilityEvent, DurabilityLogger } from "./logging.ts";
import type { Seed } from "./seed/index.ts";
import type { Store } from "./store.ts";

export interface DurabilityOptions {
	/** Where the log and the snapshots are. The extension opens it, and closes it in `onDestroy`. */
	readonly store: Store;
	/** Called for a document that was never stored; what it returns becomes its first log entry, exactly once. */
	readonly seed?: Seed | undefined;
	/**
	 * Memory for updates that wait for a store that fails, in bytes, 64 MiB by default. Past it, whoever sends an
	 * update is closed with 1013, and nobody new is let in until half of it is written.
	 */
	readonly backlogBytesMax?: number | undefined;
	/**
	 * Longest time from the start of one commit to the start of the next, in ms; 50 by default. Commits are spaced out under
	 * load only, where it saves processor time; acknowledgements wait that much longer then.
	 */
	readonly commitIntervalMs?: number | undefined;
	/**
	 * Time that an edit waits for more before it is committed, in ms; 0 by default. It saves disk writes while people type,
	 * and keeps their acknowledgements waiting that much longer; server-side code that awaits its edit does not wait.
	 */
	readonly commitDelayMs?: number | undefined;
	/** When logs are merged into snapshots. */
	readonly compaction?: Partial<CompactionThresholds> | undefined;
	readonly logger?: DurabilityLogger | undefined;
	readonly onEvent?: ((event: DurabilityEvent) => void) | undefined;
	/** For tests. */
	readonly clock?: Clock | undefined;
}
