import type { Effort } from "../../sync/bounded-apply.ts";
import { type Rate, RateMeter } from "../rate-meter.ts";

/** A document that has spent all may spend all again after so many seconds. */
const secondsToRest = 30;
/** All documents of a server together, in documents. */
const serverBurst = 2;
const serverPerSecond = 1 / 10;
/** Documents that have spent something lately. */
const documentsMax = 10_000;

/**
 * What finding places among others' edits may cost, in items that Yjs looks at: some for each document, and some for all of a server, so
 * that neither coming back nor many documents give anybody more. The time is given, in ms since any moment.
 */
export class ConflictEfforts {
	readonly #own: Rate;
	readonly #all: Rate;
	readonly #now: () => number;
	readonly #meterOfAll = new RateMeter();
	/** Who has spent something last is last. */
	readonly #meters = new Map<string, RateMeter>();

	/** @param itemsMax Of a document, at once; `Infinity` for any number. */
	constructor(itemsMax: number, now: () => number) {
		this.#own = { burst: itemsMax, perSecond: itemsMax / secondsToRest };
		this.#all = { burst: itemsMax * serverBurst, perSecond: itemsMax * serverPerSecond };
		this.#now = now;
	}

	/** `undefined` when there is no limit. */
	of(documentName: string): Effort | undefined {
		if (this.#own.burst === Number.POSITIVE_INFINITY) return undefined;
		return {
			left: () => this.#left(documentName),
			pay: (items) => this.#pay(documentName, items),
		};
	}

	#left(documentName: string): number {
		const nowMs = this.#now();
		const own = this.#meters.get(documentName)?.left(this.#own, nowMs) ?? this.#own.burst;
		return Math.min(own, this.#meterOfAll.left(this.#all, nowMs));
	}

	#pay(documentName: string, items: number): void {
		const nowMs = this.#now();
		const meter = this.#meters.get(documentName) ?? new RateMeter();
		this.#meters.delete(documentName);
		this.#meters.set(documentName, meter);
		meter.charge(items, this.#own, nowMs);
		this.#meterOfAll.charge(items, this.#all, nowMs);
		for (const [name, oldest] of this.#meters) {
			if (this.#meters.size <= documentsMax && !oldest.isFull(nowMs)) return;
			this.#meters.delete(name);
		}
	}
}
