import { readFileSync } from "node:fs";
import { basename } from "node:path";
import * as Y from "yjs";
import { isEditingTrace, replayedDocument } from "./editing-trace.ts";
import type { BenchSettings } from "./scenario.ts";
import { count } from "./show.ts";
import { generateDocument } from "./typist.ts";

/** A document of about half a megabyte has so many characters, when it is generated. */
const largeCharacters = 225_000;

/** The document that the command line names, or a generated one, as a Yjs update. */
export function largeDocument({ trace }: BenchSettings, characters = largeCharacters): Uint8Array {
	if (trace === undefined) return generateDocument(characters);
	if (isEditingTrace(trace)) return replayedDocument(trace);
	const document = new Y.Doc();
	Y.applyUpdateV2(document, readFileSync(trace));
	return Y.encodeStateAsUpdate(document);
}

/** What documents are that hold this. */
export function nameOfContents({ trace }: Pick<BenchSettings, "trace">, characters: number): string {
	return trace === undefined ? `${count(characters)} characters long` : `with what ${basename(trace)} holds`;
}

/** What to call it. */
export function nameOfLargeDocument({ trace }: BenchSettings): string {
	return trace === undefined ? "a generated document" : basename(trace);
}
