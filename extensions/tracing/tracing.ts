import type { Extension, onConfigurePayload } from "@hocuspocus/server";
import { type Clock, systemClock } from "../durability/clock.ts";
import { consoleLogger, type DurabilityLogger } from "../durability/logging.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";
import { Openings } from "./openings.ts";
import { OtlpExporter } from "./otlp-exporter.ts";
import { type Span, type SpanContext, spanKind } from "./span.ts";
import { Trace, type TraceStart } from "./trace.ts";

export interface TracingOptions {
	/** A receiver of OTLP/HTTP (JSON), such as `http://collector:4318`; `/v1/traces` is appended. */
	readonly otlpUrl?: string | undefined;
	/** Headers for it. */
	readonly otlpHeaders?: Readonly<Record<string, string>> | undefined;
	/** Is handed spans, instead of a receiver; for whatever else there is to do with them. */
	readonly onSpans?: ((spans: readonly Span[]) => void) | undefined;
	/** One in so many is traced; 100 by default. */
	readonly oneIn?: number | undefined;
	/** What is sent with all spans beside `service.name`, which is "indelible". */
	readonly resource?: Readonly<Record<string, string>> | undefined;
	/** Of what trace the request of a connection is a part: then its opening of documents is traced in any case. */
	readonly parentOf?: ((request: Request) => SpanContext | undefined) | undefined;
	readonly logger?: DurabilityLogger | undefined;
	/** For tests. */
	readonly clock?: Clock | undefined;
}

/** Traces that are not over, at most: while a store is away none ends. The oldest make room. */
const openMax = 1_000;

/**
 * Traces of some edits and of some openings of documents, for OpenTelemetry. `Sync`, `Durability` and `RedisBus` of the same
 * server find it by themselves, and tell it what they do with an edit that is traced. A Hocuspocus extension.
 *
 * An edit's trace goes on at the nodes that it is published to, which name the same trace. Nothing in it says who anybody is or
 * what a document is called.
 */
export class Tracing implements Extension {
	readonly extensionName = "Tracing";
	/** The trace of the edits that are being applied in this moment. */
	current: Trace | undefined;
	readonly clock: Clock;
	readonly #logger: DurabilityLogger;
	readonly #oneIn: number;
	readonly #onSpans: (spans: readonly Span[]) => void;
	readonly #exporter: OtlpExporter | undefined;
	readonly #openings: Openings;
	/** Oldest first. */
	readonly #open = new Set<Trace>();
	#started = 0;

	/** @throws {TypeError} when it has nobody to tell. */
	constructor(options: TracingOptions) {
		const { otlpUrl, otlpHeaders: headers = {}, onSpans, resource, logger = consoleLogger } = options;
		this.clock = options.clock ?? systemClock;
		this.#logger = logger;
		this.#oneIn = options.oneIn ?? 100;
		this.#openings = new Openings(this, options.parentOf ?? (() => undefined));
		if (onSpans !== undefined) {
			this.#onSpans = onSpans;
			return;
		}
		if (otlpUrl === undefined) throw new TypeError("tracing needs otlpUrl or onSpans");
		const exporter = new OtlpExporter({
			url: otlpUrl,
			headers,
			resource: { "service.name": "indelible", ...resource },
			clock: this.clock,
			logger,
		});
		this.#exporter = exporter;
		this.#onSpans = (spans) => exporter.add(spans);
	}

	/** Whether the next one is to be traced. */
	samples(): boolean {
		return this.#oneIn === 1 || Math.random() * this.#oneIn < 1;
	}

	start(start: TraceStart): Trace {
		const [oldest] = this.#open;
		if (this.#open.size >= openMax) oldest?.finish();
		this.#started += 1;
		const trace = new Trace(start, (spans) => {
			this.#open.delete(trace);
			this.#tell(spans);
		});
		this.#open.add(trace);
		return trace;
	}

	/** Edits have come from a client; some are traced. */
	startEdit(receivedMs: number): Trace | undefined {
		if (!this.samples()) return undefined;
		return this.start({ name: "edit", kind: spanKind.server, startMs: receivedMs });
	}

	/** Edits have come from another node, which traces them. */
	startReceipt(parent: SpanContext, receivedMs: number): Trace {
		return this.start({ name: "receive", kind: spanKind.consumer, startMs: receivedMs, parent });
	}

	/** Runs what is done in the name of a trace. */
	within(trace: Trace | undefined, run: () => void): void {
		const { current } = this;
		this.current = trace;
		try {
			run();
		} finally {
			this.current = current;
		}
	}

	/** The opening of a document that is being traced. */
	opening(socketId: string, documentName: string): Trace | undefined {
		return this.#openings.get(socketId, documentName);
	}

	declareMetrics(sink: MetricSink): void {
		sink.counter("indelible_traces_total", "Traces that were begun", () => this.#started);
		const exporter = this.#exporter;
		if (exporter === undefined) return;
		sink.counter("indelible_spans_sent_total", "Spans that the receiver has taken", () => exporter.sent);
		sink.counter(
			"indelible_spans_dropped_total",
			"Spans that it has not taken in time, or not at all",
			() => exporter.dropped,
		);
	}

	async onConfigure({ instance }: onConfigurePayload): Promise<void> {
		this.#openings.watch(instance);
	}

	async onDestroy(): Promise<void> {
		await this.#exporter?.close();
	}

	/** It is called amid a commit or a message. */
	#tell(spans: readonly Span[]): void {
		try {
			this.#onSpans(spans);
		} catch (error) {
			this.#logger.error({ err: error }, "the listener for spans failed");
		}
	}
}
