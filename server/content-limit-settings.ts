import { z } from "zod";
import { defaultContentLimits } from "../extensions/limits/content/content-defaults.ts";

const GiB = 2 ** 30;

function bound(name: keyof typeof defaultContentLimits, unit: string | undefined, description: string) {
	const max = unit === "bytes" ? 64 * GiB : 1_000_000_000;
	const schema = z.int().min(0).max(max).default(defaultContentLimits[name]);
	return schema.meta({ description: `${description}; 0 for no limit`, unit });
}

/** What is too much of what clients write (extensions/limits/content). */
export const contentLimitSettings = {
	updateBytesMax: bound("updateBytesMax", "bytes", "largest update that a client may send"),
	updatePartsMax: bound(
		"updatePartsMax",
		undefined,
		"structs and deleted ranges of which one update may be made; values in them count as a fourth or a sixteenth of one, as of what they cost",
	),
	documentConflictsMax: bound(
		"documentConflictsMax",
		undefined,
		"others' items that are looked at, at once, to find the places of edits that a document is sent; a 30th of it comes back each second",
	),
	documentBytesMax: bound(
		"documentBytesMax",
		"bytes",
		"size of a document, to a sixteenth, past which clients can't make it larger",
	),
	documentRootsMax: bound(
		"documentRootsMax",
		undefined,
		"names of root types that clients may use in a document",
	),
	pendingBytesMax: bound(
		"pendingBytesMax",
		"bytes",
		"what a document holds back because it builds on edits that have not come, weighed by what it costs",
	),
	presenceBytesMax: bound("presenceBytesMax", "bytes", "presence of one client"),
	documentPresenceBytesMax: bound(
		"documentPresenceBytesMax",
		"bytes",
		"presence of all clients of a document, of those who have more than 1 KiB",
	),
	presenceClientsPerConnectionMax: bound(
		"presenceClientsPerConnectionMax",
		undefined,
		"awareness clients for which one connection to a document may speak",
	),
};
