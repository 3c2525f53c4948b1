import { type GeneratorUse, watchGenerator } from "./generator-watch.ts";
import { sleep } from "./pace.ts";
import { Samples } from "./samples.ts";
import { Visitor, type VisitorOptions } from "./visitor.ts";

/** What one of several who come does; when it is let in and why it has to leave is noticed here. */
export type Arrival = Omit<VisitorOptions, "onSynced" | "onAcknowledged" | "onClosed">;

export interface Arrivals {
	readonly visitors: readonly Visitor[];
	/** From the first connection attempt of a visitor until the document is here, in ms. */
	readonly syncedAfter: Samples;
	/** Until the server has acknowledged what the visitor brought along (nothing), in ms; of those who have got so far. */
	readonly acknowledgedAfter: Samples;
	/** Until the last one had the document. */
	readonly generator: GeneratorUse;
}

const pollMs = 1;

export interface ArriveOptions {
	readonly count: number;
	/** Called when the nth, from 0, is about to connect. */
	readonly arrival: (n: number) => Arrival;
	/** Time between two of them; all in one go by default. */
	readonly pauseMs?: number;
	/** Whether they leave as soon as they have the document; not by default. */
	readonly leave?: boolean;
	readonly deadlineMs: number;
}

/**
 * Connects several and waits until all have the document.
 * @throws when one is sent away before that, or after `deadlineMs`.
 */
export async function arrive(options: ArriveOptions): Promise<Arrivals> {
	const { count, arrival, pauseMs = 0, leave = false, deadlineMs } = options;
	const visitors: Visitor[] = [];
	const syncedAfter = new Samples();
	const acknowledgedAfter = new Samples();
	const left: string[] = [];
	const watch = watchGenerator();
	const startMs = performance.now();
	const untilMs = startMs + count * pauseMs + deadlineMs;
	const missing = () => count - syncedAfter.count;
	try {
		for (let n = 0; n < count; n += 1) {
			if (pauseMs > 0) await sleep(Math.max(0, startMs + n * pauseMs - performance.now()));
			const connectsMs = pauseMs > 0 ? performance.now() : startMs;
			const visitor = new Visitor({
				...arrival(n),
				onSynced() {
					syncedAfter.add(performance.now() - connectsMs);
					if (leave) visitor.terminate();
				},
				onAcknowledged: () => acknowledgedAfter.add(performance.now() - connectsMs),
				onClosed(why) {
					if (!visitor.isSynced) left.push(why);
				},
			});
			visitors.push(visitor);
		}
		while (missing() > 0) {
			if (left[0] !== undefined) throw new Error(`somebody did not get in: ${left[0]}`);
			if (performance.now() > untilMs)
				throw new Error(`${missing()} of ${count} had no document after ${deadlineMs} ms`);
			await sleep(pollMs);
		}
		return { visitors, syncedAfter, acknowledgedAfter, generator: watch.end() };
	} catch (error) {
		watch.end();
		for (const visitor of visitors) visitor.terminate();
		throw error;
	}
}
