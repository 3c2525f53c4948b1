import type { MemoryDisk } from "../support/memory-store.ts";
import type { Random } from "../support/random.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import type { Reach, SimulatedRedis } from "./simulated-redis.ts";
import { SimulatedServer } from "./simulated-server.ts";
import { StoreLine } from "./store-line.ts";

/** How long things are on their way. */
export interface Delays {
	readonly store: () => number;
	readonly line: () => number;
}

export interface ClusterNodeOptions {
	readonly disk: MemoryDisk;
	readonly redis: SimulatedRedis;
	readonly random: Random;
	readonly delays: Delays;
}

/** A process that runs now. */
interface Life {
	readonly server: SimulatedServer;
	readonly store: StoreLine;
	/** Lets clients in. */
	isServing: boolean;
}

const storeRetryMs = 500;
const shutdownDeadlineMs = 5_000;

/** A machine that runs one server process after the other, each with an identifier of its own. */
export class ClusterNode {
	/** Its network to Redis. */
	readonly wayToRedis: { reach: Reach } = { reach: "works" };
	readonly #options: ClusterNodeOptions;
	#life: Life | undefined;

	constructor(options: ClusterNodeOptions) {
		this.#options = options;
	}

	get isUp(): boolean {
		return this.#life !== undefined;
	}

	/** Whether clients get through to it. */
	get isServing(): boolean {
		return this.#life?.isServing === true;
	}

	get server(): SimulatedServer | undefined {
		return this.#life?.server;
	}

	get store(): StoreLine | undefined {
		return this.#life?.store;
	}

	start(): void {
		const { disk, redis, random, delays } = this.#options;
		const process = new SimulatedProcess();
		const store = new StoreLine(disk, process, random, delays.store);
		const server = new SimulatedServer({
			process,
			store,
			random,
			lineDelayMs: delays.line,
			redis: () => redis.client(process, this.wayToRedis),
			onEvent: () => {},
		});
		const life = { server, store, isServing: false };
		this.#life = life;
		process.run(() => this.#serve(life));
	}

	/** `kill -9` */
	kill(): void {
		if (this.#life === undefined) return;
		const { server, store } = this.#life;
		this.#life = undefined;
		server.kill();
		store.cut();
		this.#options.redis.nodeDied(server.process);
	}

	/** `SIGTERM`: as our own server ends, sockets first. */
	stop(): void {
		const life = this.#life;
		if (life === undefined || !life.isServing) return;
		life.isServing = false;
		const { server } = life;
		server.process.receive(() => {
			void this.#end(server).then(() => {
				if (this.#life === life) this.kill();
			});
		});
	}

	/** Its network to Redis changes; `breaks` when connections don't survive it. */
	setReach(reach: Reach, breaks: boolean): void {
		this.wayToRedis.reach = reach;
		this.#options.redis.updateSilence();
		if (breaks) this.breakConnections();
	}

	/** @param which Number of the connection: 0 publishes, 1 listens. */
	breakConnections(which?: number): void {
		if (this.#life === undefined) return;
		const clients = this.#options.redis.clientsOf(this.#life.server.process);
		for (const client of which === undefined ? clients : clients.slice(which, which + 1))
			client.connection?.break();
	}

	async #serve(life: Life): Promise<void> {
		const { durability, bus } = life.server;
		for (;;) {
			try {
				await durability.open();
				break;
			} catch {
				await new Promise((resolve) => setTimeout(resolve, storeRetryMs));
			}
		}
		await bus?.open();
		life.isServing = true;
	}

	async #end({ lines, hocuspocus, durability }: SimulatedServer): Promise<void> {
		const deadline = Promise.withResolvers<void>();
		setTimeout(deadline.resolve, shutdownDeadlineMs);
		for (const line of lines) line.hangUp();
		hocuspocus.flushPendingStores();
		await Promise.race([durability.flush(), deadline.promise]);
		await Promise.race([hocuspocus.hooks("onDestroy", { instance: hocuspocus }), deadline.promise]);
	}
}
