import type { LimitReports } from "./limit-reports.ts";

export interface NewcomersOptions {
	/** What is read of a client before it was let in anywhere, in bytes; 0 for any amount. */
	readonly bytesMax: number;
	readonly reports: LimitReports;
}

/** A client's socket that can be left unread. It tells of what comes. */
export interface NewcomerSocket {
	/** Nothing more of it is to be read, or it is again. */
	holdUnadmitted(isHeld: boolean): void;
}

/** What all together may take, in bytes: many get less each, but never less than is needed to be let in. */
const togetherBytesMax = 256 * 1024 * 1024;
const eachBytesMin = 16 * 1024;

/** Clients of whom nobody knows yet whether they may do anything. What they send waits in memory, so it has a bound. */
export class Newcomers {
	readonly #options: NewcomersOptions;
	#count = 0;

	constructor(options: NewcomersOptions) {
		this.#options = options;
	}

	/** @returns `undefined` when there is no limit. */
	add(socket: NewcomerSocket): Newcomer | undefined {
		if (this.#options.bytesMax === 0) return undefined;
		this.#count += 1;
		return new Newcomer(socket, this);
	}

	get bytesMax(): number {
		const share = Math.max(eachBytesMin, togetherBytesMax / Math.max(1, this.#count));
		return Math.min(this.#options.bytesMax, share);
	}

	/** Of what somebody sends for a document that they have not asked to open, not even when they were let into another one. */
	get earlyBytesMax(): number {
		return this.#options.bytesMax === 0 ? Number.POSITIVE_INFINITY : this.#options.bytesMax;
	}

	/** Something of that was thrown away. */
	ignored(): void {
		this.#options.reports.report({ type: "refused", limit: "unauthenticated-bytes" });
	}

	held(): void {
		this.#options.reports.report({ type: "slowed", limit: "unauthenticated-bytes" });
	}

	left(): void {
		this.#count -= 1;
	}
}

/** One of them, until it was let in or is gone. */
export class Newcomer {
	readonly #socket: NewcomerSocket;
	readonly #newcomers: Newcomers;
	#bytes = 0;
	#isHeld = false;

	constructor(socket: NewcomerSocket, newcomers: Newcomers) {
		this.#socket = socket;
		this.#newcomers = newcomers;
	}

	/**
	 * It was refused one document; it may ask for others.
	 * @param waitingBytes Of what it has sent for those: that is still in memory.
	 */
	refused(waitingBytes: number): void {
		this.#bytes = waitingBytes;
		this.#hold(waitingBytes > this.#newcomers.bytesMax);
	}

	/** It was let in, or is gone. */
	end(): void {
		this.#newcomers.left();
		this.#hold(false);
	}

	/** To be told of all that comes, framing included. */
	received(bytes: number): void {
		this.#bytes += bytes;
		if (this.#isHeld || this.#bytes <= this.#newcomers.bytesMax) return;
		this.#newcomers.held();
		this.#hold(true);
	}

	#hold(isHeld: boolean): void {
		if (this.#isHeld === isHeld) return;
		this.#isHeld = isHeld;
		this.#socket.holdUnadmitted(isHeld);
	}
}
