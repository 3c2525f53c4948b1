import { constants, PerformanceObserver } from "node:perf_hooks";
import { Histogram } from "./histogram.ts";
import type { MetricSink } from "./metric-sink.ts";

/** What Node.js tells of itself, under the names on which Prometheus' clients agree, as far as there are any. */
export function declareProcessMetrics(sink: MetricSink): void {
	sink.counter("process_cpu_seconds_total", "CPU time of all threads, user and system", () => {
		const { user, system } = process.cpuUsage();
		return (user + system) / 1e6;
	});
	sink.gauge("process_resident_memory_bytes", "Resident memory", () => process.memoryUsage.rss());
	const memory = (part: "heapUsed" | "heapTotal" | "external") => () => process.memoryUsage()[part];
	sink.gauge("nodejs_heap_size_used_bytes", "JavaScript heap in use", memory("heapUsed"));
	sink.gauge("nodejs_heap_size_total_bytes", "JavaScript heap, free pages included", memory("heapTotal"));
	sink.gauge(
		"nodejs_external_memory_bytes",
		"Memory of buffers and other things that the heap refers to",
		memory("external"),
	);
	const startedS = Date.now() / 1_000 - process.uptime();
	sink.gauge("process_start_time_seconds", "When the process started, since 1970", () => startedS);
	sink.counter(
		"indelible_event_loop_busy_seconds_total",
		"Time in which the event loop was busy: its rate is the share of a core that serves people",
		() => performance.eventLoopUtilization().active / 1_000,
	);
}

/** Garbage collections from now on. @returns Ends it. */
export function declareCollections(sink: MetricSink): () => void {
	const young = new Histogram();
	const old = new Histogram();
	const observer = new PerformanceObserver((list) => {
		for (const entry of list.getEntries()) {
			const { duration, detail } = entry as PerformanceEntry & { readonly detail: { readonly kind: number } };
			(detail.kind === constants.NODE_PERFORMANCE_GC_MINOR ? young : old).observe(duration);
		}
	});
	observer.observe({ entryTypes: ["gc"] });
	sink.histogram(
		"indelible_gc_young_seconds",
		"Pauses to collect young garbage, which is often",
		() => young,
	);
	sink.histogram("indelible_gc_old_seconds", "Pauses to collect old garbage, in steps", () => old);
	return () => observer.disconnect();
}
