import { addressKey } from "../../extensions/limits/address-key.ts";

/** Wrong ones from one address before it has to wait. */
const wrongMax = 10;
const waitMs = 60_000;
/** Addresses that are remembered; the oldest one goes first. */
const addressesMax = 1_000;

interface Tries {
	wrong: number;
	/** When they are forgotten. */
	untilMs: number;
}

/** Who may not try the admin token for a while: an address, or /64 of IPv6, from which ten wrong ones came waits for a minute. Pure. */
export class WrongTokens {
	readonly #tries = new Map<string, Tries>();

	/** @returns How long this address has to wait still, in ms; 0 when it may try. */
	leftMs(address: string | undefined, nowMs: number): number {
		const tries = this.#tries.get(keyOf(address));
		return tries === undefined || tries.wrong < wrongMax ? 0 : Math.max(0, tries.untilMs - nowMs);
	}

	note(address: string | undefined, nowMs: number): void {
		const key = keyOf(address);
		const before = this.#tries.get(key);
		this.#tries.delete(key);
		const isOver = before === undefined || before.untilMs <= nowMs;
		this.#tries.set(key, { wrong: isOver ? 1 : before.wrong + 1, untilMs: nowMs + waitMs });
		const [oldest] = this.#tries.keys();
		if (this.#tries.size > addressesMax && oldest !== undefined) this.#tries.delete(oldest);
	}
}

function keyOf(address: string | undefined): string {
	return addressKey(address, true) ?? "unknown";
}
