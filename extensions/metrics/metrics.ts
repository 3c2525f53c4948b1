import type { IncomingMessage, ServerResponse } from "node:http";
import type { Extension, Hocuspocus, onConfigurePayload, onRequestPayload } from "@hocuspocus/server";
import type { OpenMetricsContentType, PrometheusContentType, Registry } from "prom-client";
import { consoleLogger, type DurabilityLogger } from "../durability/logging.ts";
import { LateRegistry } from "./late-registry.ts";
import { isMetricSource, type MetricSink } from "./metric-sink.ts";
import { declareCollections, declareProcessMetrics } from "./process-metrics.ts";
import { registrySink } from "./registry-sink.ts";

type AnyRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>;

export interface MetricsOptions {
	/** Where metrics go: a registry of your own, if your server has metrics already. */
	readonly register?: AnyRegistry | undefined;
	/**
	 * Path at which the server answers Prometheus, such as `/metrics`. Everybody who reaches the server may read it. By default
	 * there is none: call {@link Metrics.text}.
	 */
	readonly path?: string | undefined;
	/** Whether what Node.js tells of the process is among them; true by default. */
	readonly process?: boolean | undefined;
	readonly logger?: DurabilityLogger | undefined;
}

/**
 * What a server is doing, for Prometheus: in its text format 0.0.4, or as OpenMetrics when your registry speaks that. It asks the other extensions of the server: those of this
 * package, and any that is a {@link MetricSource}. A Hocuspocus extension. Nothing is done until somebody asks.
 */
export class Metrics implements Extension {
	readonly extensionName = "Metrics";
	readonly contentType: string;
	/** For whatever else there is to tell. */
	readonly sink: MetricSink;
	readonly #registry: AnyRegistry | LateRegistry;
	readonly #options: MetricsOptions;
	/** Metrics that could not be read: the log is told once. */
	readonly #unreadable = new Set<string>();
	#endCollections: (() => void) | undefined;

	constructor(options: MetricsOptions = {}) {
		this.#options = options;
		this.#registry = options.register ?? new LateRegistry();
		this.contentType = this.#registry.contentType;
		this.sink = registrySink(this.#registry, (metric, error) => this.#failed(metric, error));
	}

	/** In Prometheus' text format. */
	text(): Promise<string> {
		return this.#registry.metrics();
	}

	async onConfigure({ instance, configuration }: onConfigurePayload): Promise<void> {
		const { sink } = this;
		if (this.#options.process !== false) {
			declareProcessMetrics(sink);
			this.#endCollections = declareCollections(sink);
		}
		declareDocuments(sink, instance);
		for (const extension of configuration.extensions)
			if (isMetricSource(extension)) extension.declareMetrics(sink);
	}

	/** Rejects with nothing when it has answered the request itself. */
	async onRequest({ request, response }: onRequestPayload): Promise<void> {
		const { path } = this.#options;
		if (path === undefined || pathOf(request) !== path) return;
		await this.#answer(request, response);
		return Promise.reject();
	}

	async onDestroy(): Promise<void> {
		this.#endCollections?.();
	}

	#failed(metric: string, error: unknown): void {
		if (this.#unreadable.has(metric)) return;
		this.#unreadable.add(metric);
		const { logger = consoleLogger } = this.#options;
		logger.error({ err: error, metric }, "a metric can't be read and is left out");
	}

	async #answer({ method }: IncomingMessage, response: ServerResponse): Promise<void> {
		if (method !== "GET" && method !== "HEAD") {
			response.writeHead(405, { Allow: "GET, HEAD" }).end();
			return;
		}
		const text = await this.text();
		response.writeHead(200, { "Content-Type": this.contentType, "Cache-Control": "no-store" }).end(text);
	}
}

function declareDocuments(sink: MetricSink, instance: Hocuspocus): void {
	sink.gauge("indelible_documents", "Documents in memory", () => instance.getDocumentsCount());
	sink.gauge("indelible_document_connections", "Clients of documents: one socket may have several", () => {
		let connections = 0;
		for (const document of instance.documents.values()) connections += document.getConnectionsCount();
		return connections;
	});
}

function pathOf({ url = "/" }: IncomingMessage): string {
	return url.split("?", 1)[0] ?? "/";
}
