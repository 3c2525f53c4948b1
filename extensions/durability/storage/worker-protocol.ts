import type { WireError } from "./wire-error.ts";

/** What a store's main thread and its workers say to each other. Bytes are transferred, not copied. */

/** One question kind of a worker: what is asked with it, and what is answered. */
export interface Exchange {
	readonly ask: unknown;
	readonly answer: unknown;
}
/** A worker's question kinds by name. */
export type Protocol<P> = { readonly [K in keyof P]: Exchange };

/** What a worker is started with. */
export interface WorkerStart<Settings> {
	readonly settings: Settings;
	/** Of a {@link ./shared-slot.ts SharedSlot}, where there is one. */
	readonly slot: SharedArrayBuffer | undefined;
}

export interface Question<P extends Protocol<P>, K extends keyof P = keyof P> {
	readonly id: number;
	readonly kind: K;
	readonly ask: P[K]["ask"];
}

export type Reply<P extends Protocol<P>, K extends keyof P = keyof P> =
	| { readonly id: number; readonly status: "done"; readonly answer: P[K]["answer"] }
	| { readonly id: number; readonly status: "failed"; readonly error: WireError };
