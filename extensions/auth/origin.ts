import { matches } from "./pattern.ts";

/**
 * Whether a page of this origin may connect. A browser always says its origin, and truly; other programs may say none or anything, so this
 * keeps foreign pages from using a visitor's browser, and nobody else.
 */
export function isOriginAllowed(origin: string | undefined, allowed: readonly string[]): boolean {
	if (origin === undefined) return true;
	const asked = origin.toLowerCase();
	return allowed.some((pattern) => matches(pattern.toLowerCase(), asked));
}
