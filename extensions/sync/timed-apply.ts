import { createContext, Script } from "node:vm";
import { applyUpdate, type Doc } from "yjs";

/** An update kept the event loop for too long. Some of it may be in the document, and what is in memory may be amiss. */
export class TookTooLongError extends Error {
	override readonly name = "TookTooLongError";

	constructor(msMax: number) {
		super(`an update was not applied within ${msMax} ms`);
	}
}

const place: { run: () => void } = { run() {} };
const script = new Script("run()");
let context: object | undefined;

/**
 * Applies an update, and gives up when that takes too long. Nothing else can stop Yjs amid an update; it takes a thread that
 * watches the time, some 0.1 ms, so it is for those that are not small.
 * @throws {TookTooLongError}
 */
export function applyTimed(document: Doc, update: Uint8Array, msMax: number): void {
	context ??= createContext(place);
	place.run = () => applyUpdate(document, update);
	try {
		script.runInContext(context, { timeout: msMax });
	} catch (error) {
		const { code } = Object(error) as { readonly code?: unknown };
		throw code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? new TookTooLongError(msMax) : error;
	} finally {
		place.run = () => {};
	}
}
