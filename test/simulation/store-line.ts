import {
	type AppendRequest,
	type AppendResult,
	type CompactionResult,
	type CompactOptions,
	type Follow,
	type FollowSignal,
	type Store,
	type StoredDocument,
	StoreUnavailableError,
} from "../../extensions/durability/store.ts";
import type { MemoryDisk } from "../support/memory-store.ts";
import { MemoryStore } from "../support/memory-store.ts";
import type { Random } from "../support/random.ts";
import { outside, type SimulatedProcess } from "./simulated-process.ts";

/** How far a node's calls to the store come. */
export type StoreReach =
	| "works"
	/** They fail, most of them without an effect. */
	| "fails"
	/** Nothing is heard of them until it works again. */
	| "silent";

interface Passage {
	readonly arrive: () => void;
	readonly lose: () => void;
}

/** A node's way to a store that it shares with others: it takes time, fails, and falls silent. */
export class StoreLine implements Store {
	readonly location = "simulation";
	readonly follow: Follow;
	readonly #process: SimulatedProcess;
	readonly #random: Random;
	readonly #delayMs: () => number;
	readonly #store: MemoryStore;
	#reach: StoreReach = "works";
	/** Calls and answers that nothing is heard of. */
	#silenced: Passage[] = [];
	/** Part of the announcements that are lost without anybody noticing. */
	announcementLoss = 0;
	#endListening = () => {};
	readonly #listeners = new Set<(signal: FollowSignal) => void>();

	constructor(disk: MemoryDisk, process: SimulatedProcess, random: Random, delayMs: () => number) {
		this.#store = new MemoryStore(disk, { isShared: true });
		this.#process = process;
		this.#random = random;
		this.#delayMs = delayMs;
		const { follow } = this.#store;
		if (follow === undefined) throw new Error("a shared store can be followed");
		this.follow = {
			members: () => this.#call(() => follow.members()),
			entriesAfter: (requests) => this.#call(() => follow.entriesAfter(requests)),
			listen: (listener) => this.#listen(follow, listener),
			announce: (documentNames, ...others) => {
				const names = [...documentNames];
				this.#call(async () => follow.announce(names, ...others)).catch(() => {});
			},
		};
	}

	get reach(): StoreReach {
		return this.#reach;
	}

	set reach(reach: StoreReach) {
		if (this.#reach === reach) return;
		const wasListening = this.#reach === "works";
		this.#reach = reach;
		if (wasListening && reach === "fails") this.#tell({ type: "deaf", error: unavailable() });
		if (reach !== "works") return;
		// The connection lives on, or it has to be made anew.
		const survives = this.#random.chance(0.5);
		for (const { arrive, lose } of this.#silenced.splice(0)) (survives ? arrive : lose)();
		this.#tell({ type: "listening" });
	}

	open(): Promise<void> {
		return this.#call(() => this.#store.open());
	}

	load(documentName: string): Promise<StoredDocument> {
		return this.#call(() => this.#store.load(documentName));
	}

	append(batch: readonly AppendRequest[]): Promise<readonly AppendResult[]> {
		// The caller may use its buffers again once it has called.
		const copy = batch.map(({ documentName, updates }) => ({
			documentName,
			updates: updates.map((update) => update.slice()),
		}));
		return this.#call(() => this.#store.append(copy));
	}

	compact(documentName: string, options: CompactOptions): Promise<CompactionResult> {
		return this.#call(() => this.#store.compact(documentName, options));
	}

	async close(): Promise<void> {
		await this.#store.close();
	}

	/** The node was killed. What has reached the store is done all the same. */
	cut(): void {
		this.#silenced = [];
		this.#listeners.clear();
		this.#endListening();
	}

	#listen(follow: Follow, listener: (signal: FollowSignal) => void): () => void {
		this.#listeners.add(listener);
		if (this.#listeners.size === 1)
			this.#endListening = outside(() => follow.listen((signal) => this.#passSignal(signal)));
		return () => {
			this.#listeners.delete(listener);
			if (this.#listeners.size === 0) this.#endListening();
		};
	}

	#passSignal(signal: FollowSignal): void {
		if (signal.type === "announced" && this.#random.chance(this.announcementLoss)) return;
		this.#after(this.#delayMs(), () => {
			if (this.#reach === "works") this.#tell(signal);
		});
	}

	#tell(signal: FollowSignal): void {
		this.#process.receive(() => {
			for (const listener of this.#listeners) listener(signal);
		});
	}

	#call<T>(work: () => Promise<T>): Promise<T> {
		const answer = Promise.withResolvers<T>();
		const fail = () => this.#process.receive(() => answer.reject(unavailable()));
		const send = (settle: () => void) =>
			this.#travel({
				arrive: () => (this.#reach === "fails" ? fail() : this.#process.receive(settle)),
				lose: fail,
			});
		const arrive = () => {
			// Some are done, and only their answer is lost.
			if (this.#reach === "fails" && this.#random.chance(0.8)) fail();
			else {
				work().then(
					(value) => send(() => answer.resolve(value)),
					(error) => send(() => answer.reject(error)),
				);
			}
		};
		this.#travel({ arrive, lose: fail });
		return answer.promise;
	}

	#travel(passage: Passage): void {
		this.#after(this.#delayMs(), () => {
			if (this.#reach === "silent") this.#silenced.push(passage);
			else passage.arrive();
		});
	}

	#after(delayMs: number, run: () => void): void {
		outside(() => setTimeout(run, delayMs));
	}
}

function unavailable(): StoreUnavailableError {
	return new StoreUnavailableError("the connection to the store broke (08006)", { code: "08006" });
}
