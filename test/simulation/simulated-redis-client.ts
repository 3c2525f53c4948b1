import { EventEmitter } from "node:events";
import type { RedisClient } from "../../extensions/redis/redis-link.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Command, Connection, Push, Reach, SimulatedRedis } from "./simulated-redis.ts";

const retryMsMax = 2_000;
const connectTimeoutMs = 5_000;

/** An `ioredis` client as `clientForUrl` makes it: no queue, nothing sent again, it connects again by itself. */
export class SimulatedRedisClient implements RedisClient {
	status = "connecting";
	connection: Connection | undefined;
	readonly process: SimulatedProcess;
	readonly way: { readonly reach: Reach };
	readonly #redis: SimulatedRedis;
	readonly #events = new EventEmitter();
	#waiting: PromiseWithResolvers<number>[] = [];
	#attempts = 0;
	#cancelTimer: () => void = () => {};

	constructor(redis: SimulatedRedis, process: SimulatedProcess, way: { readonly reach: Reach }) {
		this.#redis = redis;
		this.process = process;
		this.way = way;
		this.#connect();
	}

	on(event: string, listener: (...values: never[]) => void): void {
		this.#events.on(event, listener as (...values: unknown[]) => void);
	}

	publish(channel: string, message: Buffer): Promise<number> {
		return this.#send({ type: "publish", channel, message: Buffer.from(message) });
	}

	subscribe(...channels: string[]): Promise<number> {
		return this.#send({ type: "subscribe", channels });
	}

	unsubscribe(...channels: string[]): Promise<number> {
		return this.#send({ type: "unsubscribe", channels });
	}

	disconnect(reconnect = false): void {
		this.#cancelTimer();
		const { connection } = this;
		if (connection !== undefined) connection.hangUp();
		if (reconnect) this.#closed();
		else {
			this.status = "end";
			this.#abandonWaiting();
		}
	}

	/** Something arrives on a connection. */
	receive(connection: Connection, push: Push): void {
		if (this.connection !== connection) return;
		if (push.type === "answer") this.#waiting.shift()?.resolve(push.value);
		else this.#events.emit("messageBuffer", Buffer.from(push.channel), push.message);
	}

	connectionBroke(connection: Connection): void {
		if (this.connection === connection && this.status !== "end") this.#closed();
	}

	#send(command: Command): Promise<number> {
		if (this.status !== "ready" || this.connection === undefined)
			return Promise.reject(new Error("Stream isn't writeable and enableOfflineQueue options is false"));
		const waiting = Promise.withResolvers<number>();
		this.#waiting.push(waiting);
		this.connection.toRedis.push(command);
		return waiting.promise;
	}

	#connect(): void {
		this.status = "connecting";
		const { reach: redisReach } = this.#redis;
		if (redisReach === "refused" || this.way.reach === "refused") {
			this.#after(1, () => {
				this.#events.emit("error", new Error("connect ECONNREFUSED"));
				this.#closed();
			});
		} else if (this.way.reach === "silent") {
			this.#after(connectTimeoutMs, () => {
				this.#events.emit("error", new Error("connect ETIMEDOUT"));
				this.#closed();
			});
		} else {
			this.connection = this.#redis.accept(this);
			this.status = "connect";
			this.#awaitReady();
		}
	}

	/** `ioredis` asks for INFO first, and waits for the answer as long as it takes. */
	#awaitReady(delayMs = 1 + this.#redis.random.below(5)): void {
		this.#after(delayMs, () => {
			if (this.#redis.reach === "silent" || this.way.reach === "silent") {
				this.#awaitReady(100);
				return;
			}
			this.#attempts = 0;
			this.status = "ready";
			this.#events.emit("ready");
		});
	}

	#closed(): void {
		this.#cancelTimer();
		this.connection = undefined;
		this.status = "reconnecting";
		this.#abandonWaiting();
		this.#events.emit("close");
		const delayMs = Math.min(retryMsMax, 50 * 2 ** Math.min(this.#attempts, 10));
		this.#attempts += 1;
		this.#after(Math.floor(delayMs * (0.75 + this.#redis.random.next() / 4)), () => this.#connect());
	}

	#abandonWaiting(): void {
		const waiting = this.#waiting;
		this.#waiting = [];
		for (const { reject } of waiting) reject(new Error("Connection is closed."));
	}

	#after(delayMs: number, run: () => void): void {
		this.#cancelTimer();
		const timer = setTimeout(run, delayMs);
		this.#cancelTimer = () => clearTimeout(timer);
	}
}
