/** One line of a metric. */
export interface Sample {
	readonly value: number;
	readonly labels: Readonly<Record<string, string | number>>;
	/** When it is not that of the metric. */
	readonly metricName?: string;
}

/** What a registry asks of a metric. */
export interface RegisteredMetric {
	name: string;
	readonly type: string;
	get(): Promise<{ readonly help: string; readonly values: readonly Sample[] }>;
	reset(): void;
}

/** What is used of a registry: prom-client's `Registry` is one. */
export interface MetricRegistry {
	readonly contentType: string;
	/** @param metric A {@link RegisteredMetric}. prom-client asks for its own classes by type, and for no more than that when it runs. */
	registerMetric(metric: never): void;
	metrics(): Promise<string>;
}

/** Writes metrics in Prometheus' text format 0.0.4. */
export class TextRegistry implements MetricRegistry {
	readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
	readonly #metrics = new Map<string, RegisteredMetric>();

	/** @throws when there is one of that name. */
	registerMetric(metric: RegisteredMetric): void {
		const { name } = metric;
		if (this.#metrics.has(name)) throw new Error(`a metric of the name ${name} has already been registered`);
		this.#metrics.set(name, metric);
	}

	async metrics(): Promise<string> {
		const texts = await Promise.all([...this.#metrics.values()].map(textOf));
		return `${texts.join("\n\n")}\n`;
	}
}

async function textOf(metric: RegisteredMetric): Promise<string> {
	const { name, type } = metric;
	const { help, values } = await metric.get();
	const lines = values.map(
		({ metricName = name, labels, value }) => `${metricName}${labelsText(labels)} ${numberText(value)}`,
	);
	return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}

function labelsText(labels: Sample["labels"]): string {
	const parts = Object.entries(labels).map(
		([name, value]) => `${name}="${escaped(String(value)).replaceAll('"', '\\"')}"`,
	);
	return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escaped(text: string): string {
	return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function numberText(value: number): string {
	if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
	return value < 0 ? "-Inf" : "+Inf";
}
