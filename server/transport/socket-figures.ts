import type { MetricSink } from "../../extensions/metrics/metric-sink.ts";
import { Tally } from "../../extensions/metrics/tally.ts";
import type { ClientSocket } from "./client-socket.ts";
import type { SocketEnd } from "./socket-end.ts";

/** What a node's sockets have carried, those that are gone included. The open ones are asked when somebody wants to know. */
export class SocketFigures {
	readonly #open: ReadonlySet<ClientSocket>;
	readonly #closes = new Tally("code", "by");
	#opened = 0;
	/** By sockets that are gone. */
	#receivedBytes = 0;
	#sentBytes = 0;

	constructor(open: ReadonlySet<ClientSocket>) {
		this.#open = open;
	}

	opened(): void {
		this.#opened += 1;
	}

	/** The socket is no longer among the open ones. */
	ended(socket: ClientSocket, { code, by }: SocketEnd): void {
		this.#receivedBytes += socket.receivedBytes;
		this.#sentBytes += socket.sentBytes;
		// A client may say anything from 3000 to 4999.
		this.#closes.add(by === "client" && code >= 3000 ? "other" : String(code), by);
	}

	declareMetrics(sink: MetricSink): void {
		sink.gauge("indelible_connections", "Open WebSockets", () => this.#open.size);
		sink.counter("indelible_connections_total", "WebSockets that were opened", () => this.#opened);
		sink.counter("indelible_received_bytes_total", "Bytes that clients have sent, framing included", () => {
			let bytes = this.#receivedBytes;
			for (const socket of this.#open) bytes += socket.receivedBytes;
			return bytes;
		});
		sink.counter("indelible_sent_bytes_total", "Bytes written to clients, framing included", () => {
			let bytes = this.#sentBytes;
			for (const socket of this.#open) bytes += socket.sentBytes;
			return bytes;
		});
		sink.tally(
			"indelible_closes_total",
			"WebSockets that ended, by close code and by who wanted it: nobody when the connection was lost",
			() => this.#closes,
		);
	}
}
