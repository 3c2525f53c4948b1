import * as Y from "yjs";

/**
 * Writes ahead: a person's keystrokes in a document, encoded before the measurement, so that nothing of it is spent on
 * making them. Keystroke n (from 0) is the n-th character of this person, so its Yjs clock is n.
 */
export interface Script {
	readonly clientId: number;
	/** What was there before, as a Yjs update. */
	readonly contents: Uint8Array;
	/** An update each. */
	readonly keystrokes: readonly Uint8Array[];
	/** The text at the end. */
	readonly text: string;
}

const letters = "the quick brown fox jumps over the lazy dog and then thinks about it for a while ";
/** A person moves the cursor elsewhere after so many keystrokes. */
const keystrokesPerPlace = 120;

/** A text that nobody wrote in one go: many people, many places, so Yjs has as many structs to keep as in a real one. */
export function generateDocument(characters: number): Uint8Array {
	const document = new Y.Doc();
	const text = document.getText("text");
	let written = 0;
	for (let place = 0; written < characters; place += 1) {
		if (place % 500 === 0) document.clientID = 1_000_000 + place;
		const at = Math.floor(((place * 0.618_034) % 1) * text.length);
		// A word or a few: every cut into somebody's run costs a struct more.
		const words = letters.slice(0, 6 + ((place * 7) % 24));
		text.insert(at, words);
		if (place % 9 === 0 && text.length > 200) text.delete((at + 97) % (text.length - 10), 5);
		written += words.length;
	}
	return Y.encodeStateAsUpdate(document);
}

export function writeScript(
	contents: Uint8Array,
	{ clientId, count }: { clientId: number; count: number },
): Script {
	const document = new Y.Doc();
	Y.applyUpdate(document, contents);
	document.clientID = clientId;
	const text = document.getText("text");
	const keystrokes: Uint8Array[] = [];
	document.on("update", (update: Uint8Array) => keystrokes.push(update));
	let at = 0;
	for (let n = 0; n < count; n += 1) {
		if (n % keystrokesPerPlace === 0) at = Math.floor((((n + clientId) * 0.618_034) % 1) * text.length);
		text.insert(at, letters[n % letters.length] ?? " ");
		at += 1;
	}
	return { clientId, contents, keystrokes, text: text.toString() };
}

/** @returns How many keystrokes of a person an update brings up to. */
export function keystrokesIn(update: Uint8Array, clientId: number): number {
	return Y.parseUpdateMeta(update).to.get(clientId) ?? 0;
}
