import { Hocuspocus, type WebSocketLike } from "@hocuspocus/server";
import { systemClock } from "../../extensions/durability/clock.ts";
import { quietMs } from "../../extensions/durability/handshake.ts";
import { Durability, type DurabilityEvent } from "../../extensions/durability/index.ts";
import type { MemoryStore } from "../support/memory-store.ts";
import type { Random } from "../support/random.ts";
import type { Line, SimulatedClient } from "./simulated-client.ts";

/** So low that every schedule compacts. */
const thresholds = {
	busyBytesMin: 200,
	busyUpdatesMin: 6,
	idleBytesMin: 1,
	idleUpdatesMin: 1,
	idleMs: 500,
};

const open = 1;
const closed = 3;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Both ends of a connection, and the frames between them. */
export class SimulatedLine implements Line, WebSocketLike {
	readonly toServer: Uint8Array[] = [];
	readonly toClient: Uint8Array[] = [];
	readyState = open;
	readonly #client: SimulatedClient;
	readonly #connection: ReturnType<Hocuspocus["handleConnection"]>;

	constructor(client: SimulatedClient, hocuspocus: Hocuspocus) {
		this.#client = client;
		this.#connection = hocuspocus.handleConnection(this, new Request("http://localhost/"));
		clearInterval(this.#connection.pingInterval);
	}

	send(frame: string | ArrayBufferLike | Blob | ArrayBufferView): void {
		if (this.readyState === open) this.toClient.push(frame as Uint8Array);
	}

	/** The server hangs up. */
	close(): void {
		this.#end();
	}

	hangUp(): void {
		this.#end();
	}

	/** The next frame to the server arrives. */
	deliverToServer(): void {
		const frame = this.toServer.shift();
		if (frame !== undefined && this.readyState === open) this.#connection.handleMessage(frame);
	}

	/** The next frame to the client arrives. */
	deliverToClient(): void {
		const frame = this.toClient.shift();
		if (frame !== undefined && this.#client.line === this) this.#client.receive(frame);
	}

	/** The server's machine is gone. */
	cut(): void {
		this.readyState = closed;
		this.#client.disconnected();
	}

	#end(): void {
		if (this.readyState === closed) return;
		this.cut();
		this.#connection.handleClose({ code: 1006, reason: "" });
	}
}

/** One life of the server process: Hocuspocus and the durability extension as they are, over a faked store and time. */
export class SimulatedServer {
	readonly store: MemoryStore;
	readonly hocuspocus: Hocuspocus;
	readonly durability: Durability;
	readonly lines = new Set<SimulatedLine>();

	constructor(store: MemoryStore, random: Random, onEvent: (event: DurabilityEvent) => void) {
		this.store = store;
		this.durability = new Durability({
			store,
			logger: silent,
			onEvent,
			clock: {
				...systemClock,
				// Frames are on their way for long here, so that a client is never known to be quiet before the end.
				after: (delayMs, run) => systemClock.after(delayMs === quietMs ? 30_000 : delayMs, run),
				random: () => random.next(),
			},
			compaction: thresholds,
		});
		this.hocuspocus = new Hocuspocus({ extensions: [this.durability], quiet: true });
	}

	connect(client: SimulatedClient): void {
		const line = new SimulatedLine(client, this.hocuspocus);
		this.lines.add(line);
		client.connect(line);
	}

	/** `kill -9`: what the store has is all that stays. */
	crash(): MemoryStore {
		for (const line of this.lines) line.cut();
		return this.store.crash();
	}
}
