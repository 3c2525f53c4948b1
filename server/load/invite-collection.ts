const bytes = 96 * 2 ** 20;

/**
 * Has V8 collect garbage in small steps beside other work. `gc()` would stop the event loop for seconds where the heap is
 * large; but V8 also starts when more than 64 MiB outside the heap have come since its last collection, and it counts a buffer
 * that is never touched, for which the system provides no memory.
 */
export function inviteCollection(): void {
	try {
		void new ArrayBuffer(bytes);
	} catch {
		// No room even for an address. There is nothing better to do than to wait for V8.
	}
}
