import { Histogram } from "../metrics/histogram.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";

/** What goes through all documents of a server, since its start. Plain numbers: every edit passes here. */
export class SyncFigures {
	/** Edits that clients have sent. */
	updates = 0;
	/** Bytes of these, as Yjs updates. */
	updateBytes = 0;
	/** Times that one of them, or several merged, was sent to one client. */
	deliveries = 0;
	/** Transactions in which edits were applied: one for all that came together. */
	batches = 0;
	/** Clients that were answered what they have not got of a document. */
	joins = 0;
	/** How often a client read too slowly to be sent everything. */
	slowReaders = 0;
	/** Clients that are sent nothing now, until they have read what they were sent. */
	slowReadersNow = 0;
	/** From the receipt of an edit until it is sent to the other clients of this server. */
	readonly fanOut = new Histogram();

	declare(sink: MetricSink): void {
		sink.counter("indelible_updates_received_total", "Edits that clients have sent", () => this.updates);
		sink.counter("indelible_update_bytes_received_total", "Their bytes", () => this.updateBytes);
		sink.counter(
			"indelible_update_batches_total",
			"Transactions that applied them: one for all that came together in a document",
			() => this.batches,
		);
		sink.counter(
			"indelible_deliveries_total",
			"Updates sent to clients: one for each client, of one edit or of several merged",
			() => this.deliveries,
		);
		sink.counter(
			"indelible_joins_total",
			"Clients that have asked for a document and were sent what they had not got",
			() => this.joins,
		);
		sink.counter(
			"indelible_slow_readers_total",
			"How often a client read too slowly to be sent everything",
			() => this.slowReaders,
		);
		sink.gauge(
			"indelible_slow_readers",
			"Clients that are sent nothing until they have read what they were sent",
			() => this.slowReadersNow,
		);
		sink.histogram(
			"indelible_fan_out_seconds",
			"From the receipt of an edit until it is written to the sockets of the document's other clients here",
			() => this.fanOut,
		);
	}
}
