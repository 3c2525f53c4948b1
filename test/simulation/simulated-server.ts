import { Hocuspocus } from "@hocuspocus/server";
import { type Clock, systemClock } from "../../extensions/durability/clock.ts";
import { quietMs } from "../../extensions/durability/handshake.ts";
import { Durability, type DurabilityEvent, type Store } from "../../extensions/durability/index.ts";
import { RedisBus, type RedisClient } from "../../extensions/redis/index.ts";
import { Sync } from "../../extensions/sync/index.ts";
import type { Random } from "../support/random.ts";
import type { SimulatedClient } from "./simulated-client.ts";
import { SimulatedLine } from "./simulated-line.ts";
import { SimulatedProcess } from "./simulated-process.ts";

/** So low that every schedule compacts. */
const thresholds = {
	busyBytesMin: 200,
	busyUpdatesMin: 6,
	idleBytesMin: 1,
	idleUpdatesMin: 1,
	idleMs: 500,
};

const unquietMs = 30_000;

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface ServerOptions {
	readonly process?: SimulatedProcess;
	readonly store: Store;
	readonly random: Random;
	/** How long frames of clients are on their way; without it they arrive when the test says so. */
	readonly lineDelayMs?: () => number;
	readonly redis?: () => RedisClient;
	readonly onEvent: (event: DurabilityEvent) => void;
}

/** One life of a server process: Hocuspocus and the extensions as they are, over a faked store, network and time. */
export class SimulatedServer {
	readonly process: SimulatedProcess;
	readonly hocuspocus: Hocuspocus;
	readonly durability: Durability;
	readonly bus: RedisBus | undefined;
	readonly lines = new Set<SimulatedLine>();
	readonly #lineDelayMs: (() => number) | undefined;
	readonly #unquiet = new Set<() => void>();
	#isCalm = false;

	constructor({
		process = new SimulatedProcess(),
		store,
		random,
		lineDelayMs,
		redis,
		onEvent,
	}: ServerOptions) {
		this.process = process;
		this.#lineDelayMs = lineDelayMs;
		const clock: Clock = { ...systemClock, random: () => random.next() };
		const patientClock: Clock = {
			...clock,
			after: (delayMs, run) => (delayMs === quietMs ? this.#whenQuiet(run) : clock.after(delayMs, run)),
		};
		const { durability, bus, hocuspocus } = process.run(() => {
			const durability = new Durability({
				store,
				logger: silent,
				onEvent,
				clock: patientClock,
				compaction: thresholds,
			});
			const bus = redis && new RedisBus({ redis, log: durability, logger: silent, clock });
			const sync = new Sync({ logger: silent, clock });
			const extensions = bus === undefined ? [durability, sync] : [durability, sync, bus];
			return { durability, bus, hocuspocus: new Hocuspocus({ extensions, quiet: true }) };
		});
		this.durability = durability;
		this.bus = bus;
		this.hocuspocus = hocuspocus;
	}

	/** Nobody edits any more. */
	calm(): void {
		this.#isCalm = true;
		for (const restart of this.#unquiet) restart();
	}

	/** Frames are on their way for long here, so that a client is never known to be quiet before the end. */
	#whenQuiet(run: () => void): () => void {
		let cancel = () => {};
		const start = () => {
			cancel();
			cancel = systemClock.after(this.#isCalm ? quietMs : unquietMs, () => {
				this.#unquiet.delete(start);
				run();
			});
		};
		this.#unquiet.add(start);
		start();
		return () => {
			this.#unquiet.delete(start);
			cancel();
		};
	}

	connect(client: SimulatedClient): SimulatedLine {
		const { process, hocuspocus } = this;
		const line = new SimulatedLine({ client, hocuspocus, process, delayMs: this.#lineDelayMs });
		this.lines.add(line);
		client.connect(line);
		return line;
	}

	/** `kill -9`: what the store has is all that stays. */
	kill(): void {
		this.process.kill();
		for (const line of this.lines) line.cut();
	}
}
