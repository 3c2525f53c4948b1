import * as decoding from "lib0/decoding";
import * as Y from "yjs";
import { SeedContentError } from "./seed-content-error.ts";

/**
 * Checks a Yjs update that was stored elsewhere. Its ids are stable already, so it stays as it is.
 * @returns A copy, or `undefined` when it says nothing.
 * @throws {SeedContentError} when it is not a whole state in format V1.
 */
export function storedUpdate(given: Uint8Array): Uint8Array | undefined {
	const update = new Uint8Array(given);
	if (update.byteLength === 0) {
		throw new SeedContentError("the Uint8Array is empty; return undefined for a document without content");
	}
	const document = new Y.Doc();
	const decoder = decoding.createDecoder(update);
	try {
		Y.readUpdate(decoder, document);
	} catch (cause) {
		throw new SeedContentError(`the Uint8Array is no Yjs update${hint(update)}`, { cause });
	}
	if (decoding.hasContent(decoder)) {
		throw new SeedContentError(`the Uint8Array goes on after a Yjs update${hint(update)}`);
	}
	const { clients, pendingStructs, pendingDs } = document.store;
	if (pendingStructs !== null || pendingDs !== null) {
		throw new SeedContentError(
			"the Uint8Array is only part of a document: it depends on updates that are not in it. Merge them with Y.mergeUpdates",
		);
	}
	const isEmpty = clients.size === 0;
	document.destroy();
	return isEmpty ? undefined : update;
}

function hint(update: Uint8Array): string {
	try {
		Y.applyUpdateV2(new Y.Doc(), update);
		return ": it is in format V2, use Y.convertUpdateFormatV2ToV1";
	} catch {
		return "";
	}
}
