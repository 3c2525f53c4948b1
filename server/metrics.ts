import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { AuthEvent } from "../extensions/auth/index.ts";
import type { DurabilityEvent } from "../extensions/durability/index.ts";
import type { LimitEvent } from "../extensions/limits/index.ts";
import type { BusEvent } from "../extensions/redis/index.ts";
import type { IndelibleNode } from "./node.ts";

/** From a millisecond to where people notice, in seconds. */
const commitBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * What a node is doing, for Prometheus (text format 0.0.4). Nearly all of it is read when somebody asks, so it costs
 * nothing while nobody does.
 */
export class Metrics {
	readonly contentType: string;
	readonly #registry = new Registry();
	readonly #commits: Histogram;
	readonly #commitFailures: Counter;
	readonly #compactions: Histogram;
	readonly #compactionFailures: Counter;
	readonly #busEvents: Counter;
	readonly #accessEvents: Counter;
	readonly #limitEvents: Counter;

	constructor() {
		const registers = [this.#registry];
		this.contentType = this.#registry.contentType;
		this.#commits = new Histogram({
			name: "indelible_commit_duration_seconds",
			help: "Time that the store took for a commit that succeeded",
			buckets: commitBuckets,
			registers,
		});
		this.#commitFailures = new Counter({
			name: "indelible_commit_failures_total",
			help: "Commits, or single documents in them, that the store did not take and that are tried again",
			registers,
		});
		this.#compactions = new Histogram({
			name: "indelible_compaction_duration_seconds",
			help: "Time to merge a log into a snapshot",
			buckets: commitBuckets,
			registers,
		});
		this.#compactionFailures = new Counter({
			name: "indelible_compaction_failures_total",
			help: "Compactions that failed and changed nothing",
			registers,
		});
		this.#busEvents = new Counter({
			name: "indelible_bus_events_total",
			help: "What happened to the connection with other nodes",
			labelNames: ["type"],
			registers,
		});
		this.#accessEvents = new Counter({
			name: "indelible_access_events_total",
			help: "Documents opened for clients, refusals by reason, edits refused, and access that was ended",
			labelNames: ["type", "detail"],
			registers,
		});
		this.#limitEvents = new Counter({
			name: "indelible_limit_events_total",
			help: "Senders that were slowed, connections that were closed and requests that were refused at a limit",
			labelNames: ["type", "limit"],
			registers,
		});
	}

	/** For the node's `onLimitEvent`. */
	readonly onLimitEvent = ({ type, limit }: LimitEvent): void => this.#limitEvents.inc({ type, limit });

	/** For the node's `onAuthEvent`. */
	readonly onAuthEvent = (event: AuthEvent): void => {
		this.#accessEvents.inc({ type: event.type, detail: detailOf(event) });
	};

	/** For the node's `onDurabilityEvent`. */
	readonly onDurabilityEvent = (event: DurabilityEvent): void => {
		switch (event.type) {
			case "committed":
				this.#commits.observe(event.durationMs / 1_000);
				break;
			case "store-failed":
			case "document-failed":
				this.#commitFailures.inc();
				break;
			case "compacted":
				this.#compactions.observe(event.durationMs / 1_000);
				break;
			case "compaction-failed":
				this.#compactionFailures.inc();
		}
	};

	/** For the node's `onBusEvent`. */
	readonly onBusEvent = ({ type }: BusEvent): void => this.#busEvents.inc({ type });

	/** Adds what the node knows of itself. */
	watch(node: IndelibleNode): void {
		this.#watchProcess();
		const gauge = (name: string, help: string, value: () => number) => this.#gauge(name, help, value);
		gauge("indelible_ready", "1 when /readyz says so", () => (node.readiness().ready ? 1 : 0));
		gauge("indelible_connections", "Open WebSockets", () => node.connections);
		gauge("indelible_documents", "Documents in memory", () => node.hocuspocus.getDocumentsCount());
		const { durability, bus } = node;
		gauge(
			"indelible_backlog_updates",
			"Updates that are not known to be durable",
			() => durability.stats().backlogUpdates,
		);
		gauge("indelible_backlog_bytes", "Memory that these take", () => durability.stats().backlogBytes);
		this.#counter("indelible_log_entries_total", "Log entries stored", () => durability.stats().entries);
		this.#counter("indelible_log_updates_total", "Updates stored", () => durability.stats().updates);
		this.#counter("indelible_log_bytes_total", "Bytes of these updates", () => durability.stats().bytes);
		this.#counter(
			"indelible_slow_readers_total",
			"How often a client read too slowly to be sent everything",
			() => node.sync.stats().slowReaders,
		);
		if (bus === undefined) return;
		gauge("indelible_bus_up", "1 while messages come through Redis", () =>
			bus.status.status === "up" ? 1 : 0,
		);
		gauge("indelible_bus_nodes", "Other nodes that are heard through Redis", () => bus.nodes.length);
		gauge("indelible_bus_problems", "Entries under `degraded` in /readyz", () => bus.problems.length);
		gauge("indelible_bus_documents", "Documents whose channel is listened to", () => bus.stats().documents);
		for (const [way, help] of [
			["published", "to Redis"],
			["received", "from Redis, our own among them"],
		] as const) {
			this.#counter(
				`indelible_bus_${way}_messages_total`,
				`Messages ${help}`,
				() => bus.stats()[`${way}Messages`],
			);
			this.#counter(
				`indelible_bus_${way}_bytes_total`,
				`Their bytes, ${help}`,
				() => bus.stats()[`${way}Bytes`],
			);
		}
	}

	/** In Prometheus' text format. */
	text(): Promise<string> {
		return this.#registry.metrics();
	}

	/** Under the names that Prometheus' clients agree on, as far as there are any. */
	#watchProcess(): void {
		this.#counter("process_cpu_seconds_total", "CPU time of all threads, user and system", () => {
			const { user, system } = process.cpuUsage();
			return (user + system) / 1e6;
		});
		this.#gauge("process_resident_memory_bytes", "Resident memory", () => process.memoryUsage.rss());
		this.#gauge(
			"nodejs_heap_size_used_bytes",
			"JavaScript heap in use",
			() => process.memoryUsage().heapUsed,
		);
		const startedS = Date.now() / 1_000 - process.uptime();
		this.#gauge("process_start_time_seconds", "When the process started, since 1970", () => startedS);
		this.#counter(
			"indelible_event_loop_busy_seconds_total",
			"Time in which the event loop was busy: its rate is the share of a core that serves people",
			() => performance.eventLoopUtilization().active / 1_000,
		);
	}

	#gauge(name: string, help: string, value: () => number): void {
		new Gauge({
			name,
			help,
			registers: [this.#registry],
			collect() {
				this.set(value());
			},
		});
	}

	/** A counter whose total is kept elsewhere. */
	#counter(name: string, help: string, total: () => number): void {
		new Counter({
			name,
			help,
			registers: [this.#registry],
			collect() {
				this.reset();
				this.inc(total());
			},
		});
	}
}

function detailOf(event: AuthEvent): string {
	switch (event.type) {
		case "granted":
			return event.level;
		case "refused":
			return event.reason;
		case "edit-refused":
			return "";
		default:
			return event.action;
	}
}
