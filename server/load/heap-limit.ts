const MiB = 2 ** 20;
/** V8's young generation is three semi-spaces; without a flag each is a 128th of the old generation, 32 MiB at most. */
const semiSpaces = 3;
const oldPerSemiSpace = 128;
const semiSpaceMiBMax = 32;

/**
 * What V8 gives the old generation before it ends the process, in bytes. `heap_size_limit` is this and the young generation
 * together, which for a small heap on a large machine is a third more, and is never reached. Pure.
 * @param flags The flags that Node.js was started with.
 * @param heapSizeLimit `v8.getHeapStatistics().heap_size_limit`, in bytes.
 */
export function oldGenerationLimit(flags: string, heapSizeLimit: number): number {
	const oldMiB = flagIn(flags, "max-old-space-size");
	if (oldMiB !== undefined) return Math.min(oldMiB * MiB, heapSizeLimit);
	const isShare = flagIn(flags, "max-old-space-size-percentage") !== undefined;
	const semiSpaceMiB = flagIn(flags, "max-semi-space-size") ?? (isShare ? semiSpaceMiBMax : undefined);
	if (semiSpaceMiB !== undefined) return heapSizeLimit - semiSpaces * semiSpaceMiB * MiB;
	return Math.floor((heapSizeLimit * oldPerSemiSpace) / (oldPerSemiSpace + semiSpaces));
}

/** The last one counts; V8 takes hyphens and underscores. */
function flagIn(flags: string, name: string): number | undefined {
	const pattern = new RegExp(`--${name.replaceAll("-", "[-_]")}[= ](\\d+)`, "g");
	const [, value] = [...flags.matchAll(pattern)].at(-1) ?? [];
	return value === undefined ? undefined : Number(value);
}
