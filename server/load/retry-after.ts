const secondsMin = 5;
const secondsMax = 15;

/**
 * Seconds until a refused client may come back, for `Retry-After` (RFC 9110, section 10.2.3): spread, so that a crowd that was
 * refused together does not come back together. Pure.
 * @param random From 0 up to 1.
 */
export function retryAfterSeconds(random: number): number {
	return secondsMin + Math.floor(random * (secondsMax - secondsMin + 1));
}
