const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * What no normal user meets. Memory and time per byte are Yjs': a document in memory takes up to some 25 bytes for each byte of
 * it that is stored, and an update of `updatePartsMax` parts keeps the event loop for about a second: that of a whiteboard of ten thousand elements with
 * thirty values each is below it, however it is made.
 */
export const defaultContentLimits = {
	updateBytesMax: 16 * MiB,
	updatePartsMax: 400_000,
	documentConflictsMax: 1_000_000,
	documentBytesMax: 64 * MiB,
	documentRootsMax: 1_000,
	pendingBytesMax: 256 * KiB,
	presenceBytesMax: 64 * KiB,
	documentPresenceBytesMax: 8 * MiB,
	presenceClientsPerConnectionMax: 32,
} as const;
