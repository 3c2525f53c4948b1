import type { Histogram, MetricSink } from "../../extensions/metrics/index.ts";
import type { LoadBounds } from "./load-limits.ts";

/** What the watch over a process' load can be asked. */
export interface LoadFigures {
	readonly bounds: LoadBounds;
	/** Of each second in which somebody was connected. */
	readonly loopDelays: Histogram;
	heapBytes(): number;
	memoryBytes(): number;
	refusedSockets(): number;
}

export function declareLoadMetrics(sink: MetricSink, load: LoadFigures): void {
	const { bounds } = load;
	sink.histogram(
		"indelible_event_loop_delay_seconds",
		"The longest that anything had to wait for the event loop, of each second in which somebody was connected",
		() => load.loopDelays,
	);
	sink.gauge("indelible_memory_bytes", "Resident memory without free pages of the heap", load.memoryBytes);
	sink.gauge("indelible_memory_max_bytes", "`memoryBytesMax`", () => bounds.memoryBytesMax);
	sink.gauge("indelible_heap_old_bytes", "The old generation of V8's heap", load.heapBytes);
	sink.gauge("indelible_heap_old_max_bytes", "V8's limit on it", () => bounds.heapBytesMax);
	sink.gauge("indelible_connections_max", "`connectionsMax`", () => bounds.connectionsMax);
	sink.counter(
		"indelible_refused_sockets_total",
		"WebSockets that were refused with 503 because the node had too much to do",
		load.refusedSockets,
	);
}
