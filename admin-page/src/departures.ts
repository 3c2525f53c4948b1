import type { NodeOverview, NodeView } from "../../server/admin/facts.ts";

/** A node that was there a while ago. */
export interface Departure {
	/** How it was when it was last heard. */
	readonly overview: NodeOverview;
	readonly atMs: number;
}

const toldMs = 5 * 60_000;

/** Remembers nodes for a while that are not heard any more: whoever looks up from something else is to see that one is missing. Pure. */
export class Departures {
	#there = new Map<string, NodeOverview>();
	readonly #gone = new Map<string, Departure>();

	/** @returns Those that have gone lately. */
	take(views: readonly NodeView[], nowMs: number): readonly Departure[] {
		const ids = new Set(views.map(({ id }) => id));
		for (const [id, overview] of this.#there) if (!ids.has(id)) this.#gone.set(id, { overview, atMs: nowMs });
		for (const [id, { atMs }] of this.#gone) if (ids.has(id) || nowMs - atMs > toldMs) this.#gone.delete(id);
		this.#there = new Map(
			views.flatMap(({ id, overview }) => {
				const last = overview ?? this.#there.get(id);
				return last === undefined ? [] : [[id, last]];
			}),
		);
		return [...this.#gone.values()];
	}
}
