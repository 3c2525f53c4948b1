/** The rest is for what comes in a moment: a burst of edits, a merge in another thread, the system's own. */
const share = 0.85;

/** What the system says, in bytes. */
export interface SystemMemory {
	/** The container's limit; 0, `undefined` or more than the machine has when there is none (`process.constrainedMemory()`). */
	readonly constrainedBytes: number | undefined;
	readonly totalBytes: number;
}

/**
 * Resident memory past which nobody new is let in, in bytes: what was configured, or a share of what the system's
 * out-of-memory killer looks at. The limit of the JavaScript heap is another one, and V8's. Pure.
 * @param configuredBytes 0 to derive it.
 */
export function memoryLimit(
	configuredBytes: number,
	{ constrainedBytes = 0, totalBytes }: SystemMemory,
): number {
	if (configuredBytes > 0) return configuredBytes;
	const isConstrained = constrainedBytes > 0 && constrainedBytes < totalBytes;
	return Math.floor((isConstrained ? constrainedBytes : totalBytes) * share);
}
