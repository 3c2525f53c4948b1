import type { Histogram } from "./histogram.ts";
import type { Tally } from "./tally.ts";

/**
 * Where extensions declare what they can tell of themselves. Everything is read when somebody asks, and costs nothing
 * until then; a value that is `undefined` is left out of that answer.
 */
export interface MetricSink {
	/** Something that goes up and down. */
	gauge(name: string, help: string, value: () => MetricValue): void;
	/** Something that only grows; its name ends in `_total`. */
	counter(name: string, help: string, total: () => MetricValue): void;
	/** Counters that are told apart by labels; their name ends in `_total`. */
	tally(name: string, help: string, tally: () => Tally): void;
	/** Durations, which Prometheus has in seconds: the name ends in `_seconds`. */
	histogram(name: string, help: string, histogram: () => Histogram): void;
}

type MetricValue = number | undefined | Promise<number | undefined>;

/** An extension that has something to tell; {@link Metrics} finds it among a server's extensions. */
export interface MetricSource {
	declareMetrics(sink: MetricSink): void;
}

export function isMetricSource(extension: object): extension is MetricSource {
	return "declareMetrics" in extension && typeof extension.declareMetrics === "function";
}
