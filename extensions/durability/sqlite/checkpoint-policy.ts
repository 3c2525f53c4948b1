/**
 * The write-ahead log is moved into the database when it has about this size. Larger means fewer writes, since a page
 * that was written many times is moved once; beyond this, a keystroke costs hardly less (see `bench/store-layout.ts`),
 * while recovery after a crash and reading take longer.
 */
const dueBytes = 1024 * 1024;

/** What one row's change costs in the log, at least: a page and its frame header. */
const bytesPerRow = 536;
/** Frame headers and the pages that a chain of pages brings along. */
const overhead = 1.1;

/** When a checkpoint is due, by an estimate of what was written since the last one. Pure. */
export class CheckpointPolicy {
	#writtenBytes = 0;

	/** @param rows How many rows were changed with it. */
	wrote(bytes: number, rows: number): void {
		this.#writtenBytes += rows * bytesPerRow + bytes * overhead;
	}

	get isDue(): boolean {
		return this.#writtenBytes >= dueBytes;
	}

	started(): void {
		this.#writtenBytes = 0;
	}
}
