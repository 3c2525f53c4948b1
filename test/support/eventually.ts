/**
 * Waits for something to become true, by asking again and again.
 * @param probe Returns a truthy value when it is; `undefined`, `false`, `null`, `0` or an exception mean not yet.
 * @throws With what was waited for, when the deadline passes first.
 */
export async function eventually<T>(
	what: string,
	probe: () => T | Promise<T>,
	deadlineMs = 20_000,
): Promise<NonNullable<T>> {
	const sinceMs = performance.now();
	let lastError: unknown;
	for (;;) {
		try {
			const value = await probe();
			if (value) return value;
			lastError = undefined;
		} catch (error) {
			lastError = error;
		}
		const waitedMs = performance.now() - sinceMs;
		if (waitedMs > deadlineMs)
			throw new Error(`waited ${deadlineMs} ms in vain for: ${what}`, { cause: lastError });
		// What takes long is not made longer by being asked about.
		await new Promise((resolve) => setTimeout(resolve, Math.min(5 + waitedMs / 50, 25)));
	}
}
