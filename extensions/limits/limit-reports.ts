import { consoleLogger, type DurabilityLogger } from "../durability/logging.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";
import { Tally } from "../metrics/tally.ts";
import type { LimitEvent, LimitListener } from "./limit-event.ts";

export interface LimitReportsOptions {
	readonly logger?: DurabilityLogger | undefined;
	readonly onEvent?: LimitListener | undefined;
	/** In ms, since any moment. */
	readonly now?: (() => number) | undefined;
}

/** A limit that is crossed again and again makes a line of the log this often, in ms. */
const logIntervalMs = 60_000;

/** Several extensions of one server may have reports of their own, and its metrics are one. */
const tallies = new WeakMap<MetricSink, Tally<"type" | "limit">>();

/** Where every limit says that it was met: each time to whoever counts, and now and then to the log. */
export class LimitReports {
	readonly #logger: DurabilityLogger;
	readonly #onEvent: LimitListener;
	readonly #now: () => number;
	#events = new Tally("type", "limit");
	/** As many as there are kinds of events. */
	readonly #logged = new Map<string, { atMs: number; unlogged: number }>();

	constructor({ logger, onEvent, now }: LimitReportsOptions = {}) {
		this.#logger = logger ?? consoleLogger;
		this.#onEvent = onEvent ?? (() => {});
		this.#now = now ?? (() => performance.now());
	}

	declareMetrics(sink: MetricSink): void {
		const shared = tallies.get(sink);
		if (shared !== undefined) {
			this.#events = shared;
			return;
		}
		tallies.set(sink, this.#events);
		sink.tally(
			"indelible_limit_events_total",
			"Limits that were met, and what came of it: slowed, refused or closed",
			() => this.#events,
		);
	}

	/** @param facts For the log. Nothing of what a client has sent, and not who it is. */
	report(event: LimitEvent, facts: Readonly<Record<string, number>> = {}): void {
		this.#events.add(event.type, event.limit);
		this.#log(event, facts);
		try {
			this.#onEvent(event);
		} catch (error) {
			// It is called amid what must go on.
			this.#logger.error({ err: error }, "the listener for limit events failed");
		}
	}

	#log({ type, limit }: LimitEvent, facts: Readonly<Record<string, number>>): void {
		const nowMs = this.#now();
		const key = `${type} ${limit}`;
		const logged = this.#logged.get(key);
		if (logged !== undefined && nowMs - logged.atMs < logIntervalMs) {
			logged.unlogged += 1;
			return;
		}
		this.#logged.set(key, { atMs: nowMs, unlogged: 0 });
		// What happens to one client while all is well for the others is not a warning.
		this.#logger.info({ limit, type, sinceLastLine: logged?.unlogged ?? 0, ...facts }, "a limit was met");
	}
}
