import type { Clock } from "./clock.ts";
import type { CommitLogEvent } from "./commit-log-event.ts";

/**
 * What is in memory because it is not known to be durable, and whether there is room for more: not any more once it is past its bound, and
 * again at half of it [DUR3].
 */
export class Backlog {
	readonly #bytesMax: number;
	readonly #clock: Clock;
	readonly #emit: (event: CommitLogEvent) => void;
	#bytes = 0;
	#hasRoom = true;
	/** What was appended before is durable, as far as the store takes documents at all. */
	#writtenUntilMs = Number.NEGATIVE_INFINITY;

	/** @param bytesMax Of memory, in bytes. */
	constructor(bytesMax: number, clock: Clock, emit: (event: CommitLogEvent) => void) {
		this.#bytesMax = bytesMax;
		this.#clock = clock;
		this.#emit = emit;
	}

	/** Of memory. */
	get bytes(): number {
		return this.#bytes;
	}

	get hasRoom(): boolean {
		return this.#hasRoom;
	}

	/** For the operator; `undefined` while there is room. */
	get problem(): string | undefined {
		if (this.#hasRoom) return undefined;
		return `the write backlog is full (${this.#bytes} of ${this.#bytesMax} bytes)`;
	}

	/** How long the oldest of it waits at most, in ms; 0 when there is nothing. */
	get ageMs(): number {
		return this.#bytes === 0 ? 0 : this.#clock.now() - this.#writtenUntilMs;
	}

	/** What was appended before that is durable. */
	writtenUntil(ms: number): void {
		this.#writtenUntilMs = ms;
	}

	/** @param bytes Less than 0 when there is less of it now. */
	hold(bytes: number): void {
		if (this.#bytes === 0) this.#writtenUntilMs = this.#clock.now();
		this.#bytes += bytes;
		if (this.#hasRoom && this.#bytes > this.#bytesMax) {
			this.#hasRoom = false;
			this.#emit({ type: "backlog-full", backlogBytes: this.#bytes });
		} else if (!this.#hasRoom && this.#bytes <= this.#bytesMax / 2) {
			this.#hasRoom = true;
			this.#emit({ type: "backlog-relieved", backlogBytes: this.#bytes });
		}
	}
}
