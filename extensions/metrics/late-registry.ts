import type { Metric, Registry } from "prom-client";

/**
 * A registry of prom-client that is made when somebody asks for its metrics: many nodes are never asked, and a start that loads prom-client's
 * 84 files takes longer.
 */
export class LateRegistry {
	/** Of the text format 0.0.4. */
	readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
	readonly #metrics = new Map<string, Metric>();
	#registry: Promise<Registry> | undefined;

	/** @throws when there is one of that name. */
	registerMetric(metric: Metric): void {
		const { name } = metric as unknown as { readonly name: string };
		if (this.#metrics.has(name))
			throw new Error(`A metric with the name ${name} has already been registered.`);
		this.#metrics.set(name, metric);
		this.#registry = undefined;
	}

	async metrics(): Promise<string> {
		this.#registry ??= registryOf(this.#metrics.values());
		return (await this.#registry).metrics();
	}
}

async function registryOf(metrics: Iterable<Metric>): Promise<Registry> {
	const prometheus = await import("prom-client");
	const registry = new prometheus.Registry();
	for (const metric of metrics) registry.registerMetric(metric);
	return registry;
}
