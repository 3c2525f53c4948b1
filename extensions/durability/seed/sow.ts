import type { Document } from "@hocuspocus/server";
import { applyUpdate } from "yjs";
import type { Seed } from "./seed-content.ts";
import { seedUpdate } from "./seed-update.ts";

/**
 * Puts into a document that was never stored what the hook has for it. That is not marked as loaded, so it is logged like any other
 * edit.
 * @throws {SeedError}
 */
export async function sow(seed: Seed, document: Document, context: unknown): Promise<void> {
	let update: Uint8Array | undefined;
	try {
		update = await seedUpdate(await seed(document.name, context));
	} catch (error) {
		throw new SeedError(document.name, error as Error);
	}
	if (update !== undefined) applyUpdate(document, update, { source: "local", context });
}

/** The `seed` hook failed, so the document was not opened. Nothing was stored; the next try calls it again. */
export class SeedError extends Error {
	override readonly name = "SeedError";
	/** Hocuspocus sends this to the client in its PermissionDenied message. */
	readonly reason = "seed-failed";

	constructor(documentName: string, cause: Error) {
		super(`the seed hook failed for ${JSON.stringify(documentName)}: ${cause.message}`, { cause });
	}
}
