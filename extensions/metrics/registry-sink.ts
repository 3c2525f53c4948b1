import type { Metric, Registry } from "prom-client";
import type { Histogram } from "./histogram.ts";
import type { MetricSink } from "./metric-sink.ts";
import type { Tally } from "./tally.ts";

interface Sample {
	readonly value: number;
	readonly labels: Readonly<Record<string, string | number>>;
	/** When it is not that of the metric. */
	readonly metricName?: string;
}

interface Declaration {
	readonly name: string;
	readonly help: string;
	readonly type: "gauge" | "counter" | "histogram";
	readonly samples: () => Iterable<Sample> | Promise<Iterable<Sample>>;
}

/**
 * Metrics of a prom-client registry that read their values elsewhere when they are asked.
 * @param onFailure Hears of one that can't be read: it is left out of that answer, because of which there is to be one all the same.
 */
export function registrySink(
	registry: Pick<Registry, "registerMetric">,
	onFailure: (metric: string, error: unknown) => void,
): MetricSink {
	const register = (declaration: Declaration) => registerIn(registry, declaration, onFailure);
	const single = (type: "gauge" | "counter"): MetricSink["gauge"] => {
		return (name, help, read) =>
			register({
				name,
				help,
				type,
				samples: async () => {
					const value = await read();
					return value === undefined ? [] : [{ value, labels: {} }];
				},
			});
	};
	return {
		gauge: single("gauge"),
		counter: single("counter"),
		tally: (name, help, tally) =>
			register({ name, help, type: "counter", samples: () => tallySamples(tally()) }),
		histogram: (name, help, histogram) =>
			register({
				name,
				help,
				type: "histogram",
				samples: () => histogramSamples(name, histogram()),
			}),
	};
}

function registerIn(
	registry: Pick<Registry, "registerMetric">,
	{ name, help, type, samples }: Declaration,
	onFailure: (metric: string, error: unknown) => void,
): void {
	const read = async () => {
		try {
			return [...(await samples())];
		} catch (error) {
			onFailure(name, error);
			return [];
		}
	};
	// What a registry asks of a metric (prom-client 15.1, `lib/registry.js`); its own classes keep values of their own.
	const metric = {
		// One of OpenMetrics takes `_total` off that of a counter, and puts it on again.
		name,
		type,
		async get() {
			return { name: metric.name, help, type, aggregator: "sum", values: await read() };
		},
		reset() {},
	};
	registry.registerMetric(metric as unknown as Metric);
}

function* tallySamples(tally: Tally): Generator<Sample> {
	for (const { values, count } of tally.entries()) {
		const labels = Object.fromEntries(tally.labels.map((label, index) => [label, values[index] ?? ""]));
		yield { value: count, labels };
	}
}

/** Prometheus' buckets hold what is in the smaller ones as well. */
function* histogramSamples(name: string, { boundsMs, counts, sumMs }: Histogram): Generator<Sample> {
	let count = 0;
	for (const [index, bucket] of counts.entries()) {
		count += bucket;
		const boundMs = boundsMs[index];
		const le = boundMs === undefined ? "+Inf" : boundMs / 1_000;
		yield { value: count, labels: { le }, metricName: `${name}_bucket` };
	}
	yield { value: sumMs / 1_000, labels: {}, metricName: `${name}_sum` };
	yield { value: count, labels: {}, metricName: `${name}_count` };
}
