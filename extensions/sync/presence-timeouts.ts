import type { Document } from "@hocuspocus/server";
import { getUnixTime } from "lib0/time";
import { outdatedTimeout, removeAwarenessStates } from "y-protocols/awareness";
import type { Clock } from "../durability/clock.ts";

const sweepIntervalMs = outdatedTimeout / 10;

/** People who have left, of whom the clock of their last word is kept. */
const goneMax = 256;
/** How long it is kept at least: nobody's earlier word is on its way any more then. */
const goneMs = 4 * outdatedTimeout;

/** Does for all documents of a server what `y-protocols` has a timer for in each: removes people who are not heard of any more. */
export class PresenceTimeouts {
	readonly #clock: Clock;
	readonly #documents = new Set<Document>();
	#cancel: (() => void) | undefined;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** Until the document is destroyed. */
	watch(document: Document): void {
		const { awareness } = document;
		const seam = awareness as unknown as { _checkInterval: NodeJS.Timeout | undefined };
		clearInterval(seam._checkInterval);
		seam._checkInterval = undefined;
		this.#documents.add(document);
		document.on("destroy", () => this.#documents.delete(document));
		this.#sweepLater();
	}

	close(): void {
		this.#documents.clear();
		this.#cancel?.();
	}

	/** One timer, and none when no document is there. */
	#sweepLater(): void {
		this.#cancel ??= this.#clock.after(sweepIntervalMs, () => {
			this.#cancel = undefined;
			for (const document of this.#documents) sweep(document);
			if (this.#documents.size > 0) this.#sweepLater();
		});
	}
}

function sweep({ awareness }: Document): void {
	if (awareness.meta.size > awareness.states.size + goneMax) forgetGone(awareness);
	if (awareness.states.size === 0) return;
	const nowMs = getUnixTime();
	const own = awareness.getLocalState();
	const outdated: number[] = [];
	for (const clientId of awareness.states.keys()) {
		const silentMs = nowMs - (awareness.meta.get(clientId)?.lastUpdated ?? 0);
		if (clientId !== awareness.clientID && silentMs >= outdatedTimeout) outdated.push(clientId);
		// Code on the server may show itself; nobody else says that it is still there.
		else if (clientId === awareness.clientID && silentMs >= outdatedTimeout / 2) awareness.setLocalState(own);
	}
	if (outdated.length > 0) removeAwarenessStates(awareness, outdated, "timeout");
}

/** `y-protocols` never does, so whoever names ever new people would fill the memory. */
function forgetGone({ clientID, meta, states }: Document["awareness"]): void {
	const beforeMs = getUnixTime() - goneMs;
	for (const [clientId, { lastUpdated }] of meta)
		if (clientId !== clientID && lastUpdated < beforeMs && !states.has(clientId)) meta.delete(clientId);
}
