import * as Y from "yjs";
import { clientIdOf } from "./runs.ts";

const letters = "the quick brown fox jumps over the lazy dog and then thinks about it for a while ";
/** A Yjs document with many authors is slow to type in, so so many of them share one. */
const authorsPerDocument = 32;

/**
 * What each of many people types, at the same time, in a place of their own.
 * @param contents What is there before, as a Yjs update of a text that has more characters than there are authors.
 * @returns For each author, an update for each keystroke, which needs nothing but `contents` and those before it.
 */
export function writeTogether(contents: Uint8Array, authors: number, keystrokes: number): Uint8Array[][] {
	const scripts: Uint8Array[][] = [];
	let document = new Y.Doc();
	for (let author = 0; author < authors; author += 1) {
		if (author % authorsPerDocument === 0) {
			document = new Y.Doc();
			Y.applyUpdate(document, contents);
		}
		const script: Uint8Array[] = [];
		const text = document.getText("text");
		const added = (author % authorsPerDocument) * keystrokes;
		// From the end of the text to its beginning, so that what others have typed is behind.
		const place = Math.floor(((authors - author - 0.5) / authors) * (text.length - added));
		const keep = (update: Uint8Array) => script.push(update);
		document.clientID = clientIdOf(author);
		document.on("update", keep);
		for (let n = 0; n < keystrokes; n += 1)
			text.insert(place + n, letters[(author + n) % letters.length] ?? " ");
		document.off("update", keep);
		scripts.push(script);
	}
	return scripts;
}
