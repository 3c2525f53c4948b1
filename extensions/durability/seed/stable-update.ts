import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import * as Y from "yjs";
import type { DocumentContent } from "./content.ts";
import { readDocument } from "./read-content.ts";
import { SeedContentError } from "./seed-content-error.ts";
import { writeDocument } from "./write-content.ts";

/** Stands in for the id that is not known until the content is written. */
const placeholderId = 1;

/**
 * Content as an update that is the same bytes in every process and at any time.
 *
 * Its client id is a hash of the items themselves and not only of what they say: should a later version of this module, or
 * of Yjs, cut the same content into other items, they get other ids. Two copies would be a pity, but two meanings
 * of one id would corrupt the document.
 * @throws {SeedContentError} when what Yjs made of it does not say the same.
 */
export function stableUpdate(content: DocumentContent): Uint8Array {
	const clientId = clientIdFor(writeDocument(content, placeholderId));
	const update = writeDocument(content, clientId);
	const copy = new Y.Doc();
	Y.applyUpdate(copy, update);
	if (!isDeepStrictEqual(readDocument(copy), content)) {
		throw new SeedContentError(
			"the content can't be kept as it is: Yjs reads something else than was written",
		);
	}
	copy.destroy();
	return update;
}

/** @returns A Yjs client id: 32 bits, and not 0. */
function clientIdFor(update: Uint8Array): number {
	const hash = createHash("sha256").update("indelible seed\0").update(update).digest();
	return hash.readUInt32BE(0) || placeholderId;
}
