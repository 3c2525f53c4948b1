import type { Clock } from "./clock.ts";
import type { DocumentEntry } from "./document-entry.ts";
import type { Follow, FollowSignal } from "./store.ts";
import type { StoreReader } from "./store-reader.ts";

export interface StoreFollowerOptions {
	readonly follow: Follow;
	readonly reader: StoreReader;
	readonly clock: Clock;
	/** Those in memory. */
	readonly entries: ReadonlyMap<string, DocumentEntry>;
}

/** Between two questions to the store: they begin with the first and double up to the second while announcements arrive. */
const pollMs = { min: 500, max: 5_000 };
/** A node that follows says so this often at least. */
const presenceMs = 20_000;
/** For so long after a word from somebody who follows, what is appended here is announced. */
const memoryMs = 60_000;
/** Whoever follows is answered at most this often. */
const answerMs = 10_000;
/** What was appended here for so long before we began to follow may have reached nobody. */
const unheardMs = 15_000;

/**
 * Keeps documents in step with other nodes through the store, while nothing else does: without a bus, or while the
 * bus is away. It hears what others announce, reads it, and also asks by itself, first often and then less.
 *
 * A node that does not follow makes no announcements and asks nothing, unless one that follows is heard: that one alone
 * may be cut off from the bus.
 */
export class StoreFollower {
	readonly #options: StoreFollowerOptions;
	/** Whether nothing else brings what other nodes write. */
	#isNeeded = true;
	/** Whether it is needed and there are documents. */
	#isFollowing = false;
	#isDeaf = true;
	/** When a node was last heard that depends on us, or on which we depend. */
	#heardMs = Number.NEGATIVE_INFINITY;
	/** When any node was last heard, also one that neither depends on us nor we on it. */
	#anybodyHeardMs = Number.NEGATIVE_INFINITY;
	#announcedMs = Number.NEGATIVE_INFINITY;
	/** Documents appended to here in the last `unheardMs` or a little longer, in two parts of that length. */
	#appended = { sinceMs: Number.NEGATIVE_INFINITY, newer: new Set<string>(), older: new Set<string>() };
	#pollMs = pollMs.min;
	#cancelPoll: (() => void) | undefined;
	#endListening: (() => void) | undefined;
	#closed = false;

	constructor(options: StoreFollowerOptions) {
		this.#options = options;
	}

	/** The store is open. */
	start(): void {
		this.#endListening = this.#options.follow.listen((signal) => this.#hear(signal));
	}

	/** For good: whoever says afterwards that it is needed is not heard. */
	close(): void {
		this.#closed = true;
		this.#isNeeded = false;
		this.#endListening?.();
		this.#rest();
	}

	/** @param isNeeded Whether nothing else brings what other nodes write. */
	follow(isNeeded: boolean): void {
		if (this.#isNeeded === isNeeded || this.#closed) return;
		this.#isNeeded = isNeeded;
		if (!isNeeded) {
			this.#rest();
			return;
		}
		this.#announceRecent();
		this.#begin();
	}

	/** A document has been loaded: from now on there is something to follow. */
	loaded(documentName: string): void {
		// What was announced while it was being loaded may not be in it.
		if (this.#isFollowing || this.#isDependedOn) this.#options.reader.read(documentName);
		this.#begin();
	}

	#begin(): void {
		if (!this.#isNeeded || this.#isFollowing || this.#options.entries.size === 0) return;
		this.#isFollowing = true;
		this.#pollMs = pollMs.min;
		this.#announce([]);
		this.#poll();
	}

	/** This node has appended to the document, and it is durable. */
	appended(documentName: string): void {
		this.#turnPage();
		this.#appended.newer.add(documentName);
		if (this.#isListenedTo) this.#announce([documentName]);
	}

	/** A document was deleted here. */
	deleted(documentName: string): void {
		this.#announce([documentName]);
	}

	get #isDependedOn(): boolean {
		return this.#options.clock.now() - this.#heardMs < memoryMs;
	}

	/** Whoever has just announced something does not do it again for us, so we don't wait for an answer to ours. */
	get #isListenedTo(): boolean {
		const sinceMs = this.#isNeeded ? this.#anybodyHeardMs : this.#heardMs;
		return this.#options.clock.now() - sinceMs < memoryMs;
	}

	#turnPage(): void {
		const nowMs = this.#options.clock.now();
		const { sinceMs, newer } = this.#appended;
		if (nowMs - sinceMs < unheardMs) return;
		const older = nowMs - sinceMs < 2 * unheardMs ? newer : new Set<string>();
		this.#appended = { sinceMs: nowMs, newer: new Set(), older };
	}

	#rest(): void {
		this.#isFollowing = false;
		this.#cancelPoll?.();
		this.#cancelPoll = undefined;
	}

	#poll(): void {
		const { clock } = this.#options;
		this.#cancelPoll?.();
		if (this.#options.entries.size === 0) {
			this.#rest();
			return;
		}
		this.#readAll();
		if (clock.now() - this.#announcedMs >= presenceMs) this.#announce([]);
		this.#cancelPoll = clock.after(this.#pollMs, () => this.#poll());
		this.#pollMs = this.#isDeaf ? pollMs.min : Math.min(this.#pollMs * 2, pollMs.max);
	}

	#readAll(): void {
		for (const documentName of this.#options.entries.keys()) this.#options.reader.read(documentName);
	}

	/** The server that answers now may be another one, which has not got all that was stored here [DUR1]. */
	#readWritten(): void {
		for (const [documentName, { log }] of this.#options.entries)
			if (log.durable > 0) this.#options.reader.read(documentName);
	}

	#hear(signal: FollowSignal): void {
		switch (signal.type) {
			case "announced":
				this.#anybodyHeardMs = this.#options.clock.now();
				if (signal.isFollowing || this.#isNeeded) this.#heardAnnouncement(signal);
				break;
			case "listening":
				this.#isDeaf = false;
				// Whoever was not heard did not hear us either.
				if (this.#isFollowing) this.#announceRecent();
				// One that follows may have announced something just now.
				if (this.#isFollowing || this.#isDependedOn) this.#readAll();
				else this.#readWritten();
				break;
			case "deaf":
				this.#isDeaf = true;
				this.#pollMs = pollMs.min;
				if (this.#isFollowing) this.#poll();
		}
	}

	#heardAnnouncement({ isFollowing, concerns }: FollowSignal & { readonly type: "announced" }): void {
		const { clock, entries, reader } = this.#options;
		const wasSilent = !this.#isDependedOn;
		this.#heardMs = clock.now();
		// It has to know that somebody is here who listens, and what happened while we thought that nobody does.
		if (wasSilent || (isFollowing && clock.now() - this.#announcedMs >= answerMs)) this.#announceRecent();
		// Until now nobody announced anything.
		if (wasSilent) this.#readAll();
		else for (const documentName of entries.keys()) if (concerns(documentName)) reader.read(documentName);
	}

	#announceRecent(): void {
		this.#turnPage();
		this.#announce([...this.#appended.older, ...this.#appended.newer]);
	}

	#announce(documentNames: readonly string[]): void {
		this.#announcedMs = this.#options.clock.now();
		this.#options.follow.announce(documentNames, this.#isNeeded);
	}
}
