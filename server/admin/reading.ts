import type { Histogram, MetricSink } from "../../extensions/metrics/index.ts";
import type { IndelibleNode } from "../node.ts";
import type { Reading } from "./sampler.ts";

/** Nothing has been measured. */
const noHistogram = { boundsMs: [], counts: [0] };

/** @returns Reads a node's figures, the same that Prometheus is told. */
export function readingOf(node: IndelibleNode): () => Reading {
	const histograms = new Map<string, () => Histogram>();
	const sink: MetricSink = {
		gauge() {},
		counter() {},
		tally() {},
		histogram: (name, _help, histogram) => histograms.set(name, histogram),
	};
	node.durability.declareMetrics(sink);
	node.sync.declareMetrics(sink);
	const saved = histograms.get("indelible_acknowledgement_seconds");
	const sent = histograms.get("indelible_fan_out_seconds");
	return () => {
		const { updates, deliveries } = node.sync.stats();
		return {
			connections: node.connections,
			documents: node.hocuspocus.getDocumentsCount(),
			edits: updates,
			deliveries,
			saved: saved?.() ?? noHistogram,
			sent: sent?.() ?? noHistogram,
			backlogBytes: node.durability.stats().backlogBytes,
		};
	};
}
