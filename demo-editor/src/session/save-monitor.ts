import type { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { createDecoder, readVarString, readVarUint } from "lib0/decoding";
import { cell, type Observable } from "../observable.ts";
import {
	deriveSaveState,
	isAllAcknowledged,
	overdueInMs,
	type SaveFacts,
	type SaveState,
} from "../save-state.ts";
import type { LocalCopy } from "./local-copy.ts";
import { PendingEdits } from "./pending-edits.ts";
import { askReadiness } from "./server-readiness.ts";

/** The server's way to say that its store does not take edits. */
const storeUnavailableCode = 1013;

/** The provider's `MessageType.SyncStatus`: the answer to an edit, 1 or 0. The provider tells of the ones only. */
const syncStatusType = 8;

const readinessIntervalMs = 5_000;

/** Follows a provider and says what may be said of where edits are, see `save-state.ts`. */
export class SaveMonitor {
	readonly #provider: HocuspocusProvider;
	readonly #pending: PendingEdits;
	readonly #ending = new AbortController();
	readonly #state = cell<SaveState>({ status: "connecting" });
	readonly #reasons = cell<readonly string[]>([]);
	#facts: SaveFacts;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#asking = false;

	constructor(provider: HocuspocusProvider, connection: HocuspocusProviderWebsocket, localCopy: LocalCopy) {
		this.#provider = provider;
		this.#pending = new PendingEdits(provider.configuration.name);
		this.#facts = {
			connection: "opening",
			synced: false,
			unacknowledged: 0,
			waitingSinceMs: undefined,
			pendingEdits: this.#pending.count,
			keptEdits: this.#pending.count,
			refused: false,
			rejected: false,
			mayWrite: true,
			unreachable: !navigator.onLine,
		};
		provider.document.on("update", (_update: Uint8Array, origin: unknown) => {
			if (origin === provider || origin === localCopy.origin) return;
			this.#pending.add();
			this.#update({});
			const { count } = this.#pending;
			localCopy.kept().then(
				() => this.#update({ keptEdits: Math.max(count, this.#facts.keptEdits) }),
				() => {},
			);
		});
		provider.on("unsyncedChanges", () => this.#update({}));
		provider.on("synced", () => this.#update({}));
		provider.on("authenticated", ({ scope }: { scope: string }) =>
			this.#update({ mayWrite: scope !== "readonly" }),
		);
		provider.on("message", ({ event }: { event: { data: ArrayBuffer } }) => {
			if (isRefusalOfAnEdit(event.data)) this.#update({ rejected: true });
		});
		const { signal } = this.#ending;
		addEventListener("offline", () => this.#update({ unreachable: true }), { signal });
		addEventListener("online", () => this.#update({ unreachable: false }), { signal });
		connection.on("open", () => this.#update({ connection: "open", unreachable: false }));
		connection.on("close", ({ event }: { event: { code?: number } }) => {
			const refused = this.#facts.refused || event.code === storeUnavailableCode;
			this.#update({ connection: "closed", refused });
			if (this.#facts.refused) void this.#ask();
		});
		this.#update({});
	}

	get state(): Observable<SaveState> {
		return this.#state;
	}

	/** Why the server can't save, in its own words; empty when it can or when it has not said. */
	get reasons(): Observable<readonly string[]> {
		return this.#reasons;
	}

	/** The server has said that it can't save. */
	refuse(): void {
		this.#update({ refused: true });
		void this.#ask();
	}

	destroy(): void {
		this.#ending.abort();
		clearTimeout(this.#timer);
	}

	#update(change: Partial<SaveFacts>): void {
		const before = this.#facts;
		const { unsyncedChanges, isSynced } = this.#provider;
		const next = { ...before, ...change, synced: isSynced, unacknowledged: unsyncedChanges };
		const isWaiting = next.connection === "open" && !isAllAcknowledged(next);
		const isAnswered = unsyncedChanges < before.unacknowledged;
		const progressed =
			isAnswered || before.waitingSinceMs === undefined || before.connection !== next.connection;
		const waitingSinceMs = isWaiting ? (progressed ? performance.now() : before.waitingSinceMs) : undefined;
		if (isAllAcknowledged(next)) this.#pending.clear();
		const refused = next.refused && !isAllAcknowledged(next);
		const rejected = next.rejected && !isAllAcknowledged(next);
		const unreachable = next.unreachable && !isAnswered;
		this.#facts = {
			...next,
			refused,
			rejected,
			unreachable,
			waitingSinceMs,
			pendingEdits: this.#pending.count,
			keptEdits: Math.min(next.keptEdits, this.#pending.count),
		};
		this.#show();
	}

	#show(): void {
		clearTimeout(this.#timer);
		const state = deriveSaveState(this.#facts, performance.now());
		const shown = this.#state.get();
		if (state.status !== shown.status || editsOf(state) !== editsOf(shown)) this.#state.set(state);
		if (state.status === "refused") {
			this.#timer = setTimeout(() => void this.#ask(), readinessIntervalMs);
			if (shown.status !== "refused") void this.#ask();
			return;
		}
		if (this.#reasons.get().length > 0) this.#reasons.set([]);
		const overdueMs = overdueInMs(this.#facts, performance.now());
		if (overdueMs !== undefined) this.#timer = setTimeout(() => this.#show(), overdueMs + 10);
	}

	/** Only while the server can't save: for its reasons, and to learn whether it is there at all. */
	async #ask(): Promise<void> {
		if (this.#asking || this.#ending.signal.aborted) return;
		this.#asking = true;
		const readiness = await askReadiness(this.#ending.signal);
		this.#asking = false;
		if (this.#ending.signal.aborted) return;
		if (readiness.status === "not-ready") this.#reasons.set(readiness.reasons);
		// A node that is gone can't refuse anything, and one that is well again will say so with an acknowledgement.
		if (readiness.status === "away") this.#update({ refused: false, unreachable: true });
		else if (readiness.status === "ready" && this.#facts.connection !== "open")
			this.#update({ refused: false });
		else this.#show();
	}
}

function isRefusalOfAnEdit(message: ArrayBuffer): boolean {
	const decoder = createDecoder(new Uint8Array(message));
	readVarString(decoder);
	return readVarUint(decoder) === syncStatusType && readVarUint(decoder) === 0;
}

function editsOf(state: SaveState): number {
	return "edits" in state ? state.edits : 0;
}
