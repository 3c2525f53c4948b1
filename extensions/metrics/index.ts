export { Histogram } from "./histogram.ts";
export type { MetricSink, MetricSource } from "./metric-sink.ts";
export { Metrics, type MetricsOptions } from "./metrics.ts";
export { Tally } from "./tally.ts";
