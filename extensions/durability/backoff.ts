/** How long to wait before a failed write is tried again. */
export interface Backoff {
	readonly initialMs: number;
	readonly maximumMs: number;
}

export const defaultBackoff: Backoff = { initialMs: 50, maximumMs: 2_000 };

/**
 * Doubles with each attempt up to the maximum, and takes off up to a quarter, so that nodes that lost one database
 * together don't come back together.
 * @param attempt How many attempts have failed in a row, from 1.
 * @param random From 0 up to 1.
 * @returns Milliseconds.
 */
export function backoffDelayMs({ initialMs, maximumMs }: Backoff, attempt: number, random: number): number {
	const fullMs = Math.min(maximumMs, initialMs * 2 ** (attempt - 1));
	return fullMs * (1 - random / 4);
}
