import type { Random } from "../support/random.ts";
import { Pipe } from "./pipe.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { SimulatedRedisClient } from "./simulated-redis-client.ts";

export type Command =
	| { readonly type: "publish"; readonly channel: string; readonly message: Buffer }
	| { readonly type: "subscribe" | "unsubscribe"; readonly channels: readonly string[] };

export type Push =
	| { readonly type: "answer"; readonly value: number }
	| { readonly type: "message"; readonly channel: string; readonly message: Buffer };

/** How far Redis, or the way to it, lets a connection come. */
export type Reach =
	| "works"
	/** Connections are refused. */
	| "refused"
	/** Connections are accepted and stay open; nothing comes through. */
	| "silent";

/** What happens to messages on their way to a listener, each with its probability. */
export interface Losses {
	readonly drop: number;
	readonly duplicate: number;
	/** Arrives late, after others that were sent later. */
	readonly delay: number;
}

export const noLosses: Losses = { drop: 0, duplicate: 0, delay: 0 };

const lateMsMax = 3_000;

/** The server: channels, and who listens to them. */
export class SimulatedRedis {
	readonly random: Random;
	readonly #delayMs: () => number;
	readonly #connections = new Set<Connection>();
	readonly #clients = new Set<SimulatedRedisClient>();
	#reach: Reach = "works";
	losses = noLosses;
	/** For the test's own account of what was exercised. */
	readonly totals = { published: 0, lost: 0, doubled: 0, late: 0 };

	/** @param delayMs How long something is on its way, in one direction. */
	constructor(random: Random, delayMs: () => number) {
		this.random = random;
		this.#delayMs = delayMs;
	}

	/** A connection of a node, as `ioredis` makes it. Call it as the node's process. */
	client(process: SimulatedProcess, way: { readonly reach: Reach }): SimulatedRedisClient {
		const client = new SimulatedRedisClient(this, process, way);
		this.#clients.add(client);
		return client;
	}

	get reach(): Reach {
		return this.#reach;
	}

	setReach(reach: Exclude<Reach, "refused">): void {
		this.#reach = reach;
		this.updateSilence();
	}

	/** It ends or is killed, and everybody notices. */
	goAway(): void {
		this.#reach = "refused";
		for (const connection of [...this.#connections]) connection.break();
	}

	/** The way of some node has changed. */
	updateSilence(): void {
		for (const connection of this.#connections) connection.updateSilence();
	}

	/** The connections that one node has, or those with which it publishes or listens. */
	clientsOf(process: SimulatedProcess): SimulatedRedisClient[] {
		return [...this.#clients].filter((client) => client.process === process);
	}

	/** All that a node had open is closed by its operating system. */
	nodeDied(process: SimulatedProcess): void {
		for (const client of this.clientsOf(process)) {
			this.#clients.delete(client);
			client.connection?.break();
		}
	}

	accept(client: SimulatedRedisClient): Connection {
		const connection = new Connection(this, client, this.#delayMs);
		this.#connections.add(connection);
		return connection;
	}

	forget(connection: Connection): void {
		this.#connections.delete(connection);
	}

	/** @returns The number of connections that it was sent to. */
	publish(channel: string, message: Buffer): number {
		this.totals.published += 1;
		const listeners = [...this.#connections].filter(({ channels }) => channels.has(channel));
		for (const listener of listeners) this.#send(listener, { type: "message", channel, message });
		return listeners.length;
	}

	#send(listener: Connection, push: Push): void {
		const { drop, duplicate, delay } = this.losses;
		const chance = this.random.next();
		if (chance < drop) {
			this.totals.lost += 1;
			return;
		}
		const isLate = chance < drop + delay;
		const isDoubled = !isLate && chance < drop + delay + duplicate;
		if (!isLate) listener.toClient.push(push);
		if (isLate) this.totals.late += 1;
		if (isDoubled) this.totals.doubled += 1;
		// It overtakes nobody, and is overtaken by whatever comes until then.
		if (isLate || isDoubled) setTimeout(() => listener.toClient.push(push), this.random.below(lateMsMax));
	}
}

/** One connection, while it lasts. */
export class Connection {
	readonly channels = new Set<string>();
	readonly toRedis: Pipe<Command>;
	readonly toClient: Pipe<Push>;
	readonly #redis: SimulatedRedis;
	readonly #client: SimulatedRedisClient;

	constructor(redis: SimulatedRedis, client: SimulatedRedisClient, delayMs: () => number) {
		this.#redis = redis;
		this.#client = client;
		this.toRedis = new Pipe((command) => this.#execute(command), delayMs);
		this.toClient = new Pipe((push) => client.process.receive(() => client.receive(this, push)), delayMs);
		this.updateSilence();
	}

	updateSilence(): void {
		const isSilent = this.#redis.reach === "silent" || this.#client.way.reach === "silent";
		for (const pipe of [this.toRedis, this.toClient]) {
			if (isSilent) pipe.hold();
			else pipe.release();
		}
	}

	/** It ends on both sides. What is on its way to Redis may have arrived. */
	break(): void {
		if (this.#redis.random.chance(0.5)) this.toRedis.deliverAll();
		this.#end();
		this.#client.process.receive(() => this.#client.connectionBroke(this));
	}

	/** The client ends it. Redis hears of it, unless nothing comes through. */
	hangUp(): void {
		this.#end();
	}

	#end(): void {
		this.toRedis.close();
		this.toClient.close();
		this.#redis.forget(this);
	}

	#execute(command: Command): void {
		switch (command.type) {
			case "publish":
				this.toClient.push({ type: "answer", value: this.#redis.publish(command.channel, command.message) });
				break;
			case "subscribe":
				for (const channel of command.channels) this.channels.add(channel);
				this.toClient.push({ type: "answer", value: this.channels.size });
				break;
			case "unsubscribe":
				for (const channel of command.channels) this.channels.delete(channel);
				this.toClient.push({ type: "answer", value: this.channels.size });
		}
	}
}
