import { EventEmitter } from "node:events";
import type { ClientConfig, Pool, PoolClient, PoolConfig } from "pg";
import { clientConfig } from "./connection.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { driver } from "./driver.ts";

/** After which a connection that nobody uses is closed. */
const idleMs = 60_000;

/** Makes connections when they are needed, as the settings say. */
export function newPool(settings: ConnectionSettings, max: number): Pool {
	const pool = new (driver().Pool)({
		...clientConfig(settings),
		max,
		idleTimeoutMillis: idleMs,
		// pg-pool only calls `new` on it.
		Client: ClientOrFailure as unknown as NonNullable<PoolConfig["Client"]>,
	});
	// Whoever uses a connection is told by a rejection that it is lost; one that nobody uses is replaced at the next use.
	pool.on("error", () => {});
	pool.on("connect", (client: PoolClient) => client.on("error", () => {}));
	return pool;
}

/**
 * `pg` reads the certificates that the URL names when it makes a client, and throws when a file is missing, as while it is
 * being renewed. `pg-pool` 3 makes clients from timers and callbacks, too, where that would end the process [TRN5].
 */
class ClientOrFailure {
	constructor(config: ClientConfig) {
		try {
			// biome-ignore lint/correctness/noConstructorReturn: what is made instead of this object is the point of it
			return new (driver().Client)(config);
		} catch (error) {
			// biome-ignore lint/correctness/noConstructorReturn: see above
			return new FailingClient(error as Error);
		}
	}
}

/** Stands for a client that could not be made: connecting to it fails. */
class FailingClient extends EventEmitter {
	readonly #error: Error;

	constructor(error: Error) {
		super();
		this.#error = error;
	}

	connect(done: (error: Error) => void): void {
		process.nextTick(done, this.#error);
	}

	isConnected(): boolean {
		return false;
	}

	end(done?: () => void): void {
		if (done !== undefined) process.nextTick(done);
	}
}
