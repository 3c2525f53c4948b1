import type { Histogram } from "../metrics/histogram.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";
import type { Tally } from "../metrics/tally.ts";
import type { BusStatus } from "./heart.ts";
import type { BusStats } from "./redis-bus.ts";

/** What the bus can be asked. */
export interface BusFigures {
	status(): BusStatus;
	stats(): BusStats;
	nodes(): number;
	problems(): number;
	/** Age of the oldest update of another node that it has not said to have stored, in ms; 0 when there is none. */
	unconfirmedAgeMs(): number;
	/** Milliseconds, by the clock of `status`. */
	now(): number;
	readonly roundTrips: Histogram;
	readonly events: Tally;
}

export function declareBusMetrics(sink: MetricSink, bus: BusFigures): void {
	const { gauge, counter } = sink;
	gauge("indelible_bus_up", "1 while messages come through Redis", () =>
		bus.status().status === "up" ? 1 : 0,
	);
	gauge("indelible_bus_away_seconds", "Since when none do; 0 while they do", () => {
		const status = bus.status();
		return status.status === "up" ? 0 : (bus.now() - status.sinceMs) / 1_000;
	});
	gauge("indelible_bus_nodes", "Other nodes that are heard through Redis", bus.nodes);
	gauge(
		"indelible_bus_problems",
		"Reasons why not all other nodes are heard, as under `degraded` in /readyz",
		bus.problems,
	);
	gauge("indelible_bus_documents", "Documents whose channel is listened to", () => bus.stats().documents);
	gauge(
		"indelible_bus_unconfirmed_seconds",
		"Age of the oldest update of another node that it has not said to have stored; 0 when there is none",
		() => bus.unconfirmedAgeMs() / 1_000,
	);
	sink.histogram(
		"indelible_bus_round_trip_seconds",
		"From publishing a heartbeat until Redis brings it back, every 3 s: what a message to another node takes, and both event loops",
		() => bus.roundTrips,
	);
	sink.tally(
		"indelible_bus_events_total",
		"What happened to the connection with other nodes",
		() => bus.events,
	);
	for (const [way, help] of [
		["published", "to Redis"],
		["received", "from Redis, our own among them"],
	] as const) {
		counter(`indelible_bus_${way}_messages_total`, `Messages ${help}`, () => bus.stats()[`${way}Messages`]);
		counter(`indelible_bus_${way}_bytes_total`, `Their bytes, ${help}`, () => bus.stats()[`${way}Bytes`]);
	}
}
