import type { Connection } from "@hocuspocus/server";
import type { Clock } from "../../durability/clock.ts";

/** How often it is looked whether there is room again, in ms. */
const pauseMs = 5_000;
/** Who is asked at once: each brings all that it has. */
const atOnce = 16;

/** Clients of one document that were refused something for which there is room in a while: they are asked for it then. */
export class Later {
	readonly #clock: Clock;
	readonly #hasRoom: () => boolean;
	readonly #ask: (connection: Connection) => void;
	/** Who was refused first is first. */
	#refused: Set<Connection> | undefined;
	#isTimed = false;

	constructor(clock: Clock, hasRoom: () => boolean, ask: (connection: Connection) => void) {
		this.#clock = clock;
		this.#hasRoom = hasRoom;
		this.#ask = ask;
	}

	add(connection: Connection): void {
		this.#refused ??= new Set();
		if (this.#refused.has(connection)) return;
		this.#refused.add(connection);
		connection.onClose(() => this.#refused?.delete(connection));
		this.#wait();
	}

	#wait(): void {
		if (this.#isTimed) return;
		this.#isTimed = true;
		this.#clock.after(pauseMs, () => {
			this.#isTimed = false;
			this.#look();
		});
	}

	#look(): void {
		for (const connection of [...(this.#refused ?? [])].slice(0, this.#hasRoom() ? atOnce : 0)) {
			this.#refused?.delete(connection);
			this.#ask(connection);
		}
		if (this.#refused?.size === 0) this.#refused = undefined;
		else if (this.#refused !== undefined) this.#wait();
	}
}
