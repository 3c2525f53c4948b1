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
		"parts that one update may have: Yjs' structs and deleted ranges; a value in one counts as a fourth or a sixteenth of a part",
	),
	documentConflictsMax: bound(
		"documentConflictsMax",
		undefined,
		"what edits in the same place as others' may cost a document at once, in items that Yjs looks at to put them in order; a 30th of it comes back each second",
	),
	documentBytesMax: bound(
		"documentBytesMax",
		"bytes",
		"size of a document, give or take a sixteenth, past which clients can't make it larger",
	),
	documentRootsMax: bound(
		"documentRootsMax",
		undefined,
		"names of root types that clients may use in a document",
	),
	pendingBytesMax: bound(
		"pendingBytesMax",
		"bytes",
		"edits that a document holds back because they build on others that have not come, weighed by what they cost",
	),
	presenceBytesMax: bound("presenceBytesMax", "bytes", "presence of one client"),
	documentPresenceBytesMax: bound(
		"documentPresenceBytesMax",
		"bytes",
		"presence of all clients of a document together; those with up to 1 KiB don't count",
	),
	presenceClientsPerConnectionMax: bound(
		"presenceClientsPerConnectionMax",
		undefined,
		"awareness clients for which one connection to a document may speak",
	),
};
