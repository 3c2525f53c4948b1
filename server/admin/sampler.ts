import { performance } from "node:perf_hooks";
import { type BucketCounts, LatencyWindow } from "./latency-window.ts";
import type { SampleRow } from "./sample-fields.ts";
import { SampleRing, toRow } from "./sample-ring.ts";

/** What a node knows of itself at any moment; counters count from its start. */
export interface Reading {
	readonly connections: number;
	readonly documents: number;
	readonly edits: number;
	readonly deliveries: number;
	/** From receiving an edit to its acknowledgement. */
	readonly saved: BucketCounts;
	/** From receiving an edit to sending it on. */
	readonly sent: BucketCounts;
	readonly backlogBytes: number;
}

const periodMs = 1_000;
/** Five minutes: whoever comes to see what has just happened finds it. */
const secondsKept = 300;
const quantiles = [0.5, 0.99];

/**
 * Notes once a second how a node is, and keeps the last five minutes: 300 rows of numbers. Only where there is an admin page. How
 * late its own timer comes is how late the event loop is.
 */
export class Sampler {
	readonly #read: () => Reading;
	readonly #ring = new SampleRing(secondsKept);
	readonly #saved = new LatencyWindow();
	readonly #sent = new LatencyWindow();
	readonly #timer: NodeJS.Timeout;
	#before: Reading;
	#atMs = performance.now();
	#cpuUs = cpuUs();

	constructor(read: () => Reading) {
		this.#read = read;
		this.#before = read();
		this.#saved.take(this.#before.saved, quantiles);
		this.#sent.take(this.#before.sent, quantiles);
		this.#timer = setInterval(() => this.#sample(), periodMs);
		// It keeps no process alive.
		this.#timer.unref();
	}

	/** Seconds after this one, in seconds since 1970, oldest first. */
	after(atS: number): readonly SampleRow[] {
		return this.#ring.after(atS);
	}

	close(): void {
		clearInterval(this.#timer);
	}

	#sample(): void {
		const [nowMs, now, before, nowUs] = [performance.now(), this.#read(), this.#before, cpuUs()];
		const spanMs = Math.max(1, nowMs - this.#atMs);
		const perS = (field: "edits" | "deliveries") =>
			Math.max(0, ((now[field] - before[field]) * 1_000) / spanMs);
		const [savedP50Ms = null, savedP99Ms = null] = this.#saved.take(now.saved, quantiles);
		const [sentP50Ms = null, sentP99Ms = null] = this.#sent.take(now.sent, quantiles);
		this.#ring.add(
			toRow({
				// A clock that is set back stops nothing: seconds go on until it comes after them.
				atS: Math.max(Math.round(Date.now() / 1_000), this.#ring.lastS + 1),
				connections: now.connections,
				documents: now.documents,
				editsPerS: perS("edits"),
				deliveriesPerS: perS("deliveries"),
				savedP50Ms,
				savedP99Ms,
				sentP50Ms,
				sentP99Ms,
				backlogBytes: now.backlogBytes,
				loopDelayMs: Math.max(0, spanMs - periodMs),
				memoryBytes: process.memoryUsage.rss(),
				cpuShare: (nowUs - this.#cpuUs) / 1_000 / spanMs,
			}),
		);
		this.#before = now;
		this.#atMs = nowMs;
		this.#cpuUs = nowUs;
	}
}

function cpuUs(): number {
	const { user, system } = process.cpuUsage();
	return user + system;
}
