/** Whoever reads may have enough, as `head` does: nobody is to be told of it. */
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

/**
 * Writes to standard output, and waits until it is taken: a pipe takes 64 KiB at a time, and what is not taken is lost when the process ends.
 * @returns Whether somebody still reads.
 */
export function print(text: string): Promise<boolean> {
	return new Promise((resolve) => process.stdout.write(text, (error) => resolve(!error)));
}

/** Waits until all that was written before is taken, or nobody reads it. */
export async function written(): Promise<void> {
	await print("");
	await new Promise<void>((resolve) => process.stderr.write("", () => resolve()));
}
