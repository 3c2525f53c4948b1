import * as decoding from "lib0/decoding";
import * as Y from "yjs";

/** Whose keystrokes are in an update, or whose states of presence; both are counted by clocks. */
export interface Run {
	/** Number of the author. */
	readonly author: number;
	/** The first one of the update; 0 for presence, where the last state takes the place of all before it. */
	readonly from: number;
	/** One after the last. */
	readonly to: number;
}

/** A server sends most updates to everybody at about the same time; comparing with so many is cheaper than decoding. */
const remembered = 16;
/** Authors' Yjs ids are as long on the wire as those that Yjs draws. */
const firstClientId = 3_000_000_000;
const clientIdStep = 7_919;

export function clientIdOf(author: number): number {
	return firstClientId + author * clientIdStep;
}

/** @returns `read` that does not decode again what it has just decoded. What it is given may be changed afterwards. */
export function remember(
	read: (update: Uint8Array) => readonly Run[],
): (update: Uint8Array) => readonly Run[] {
	const known: { readonly bytes: Buffer; readonly runs: readonly Run[] }[] = [];
	let next = 0;
	return (update) => {
		for (const { bytes, runs } of known)
			if (bytes.length === update.byteLength && bytes.equals(update)) return runs;
		const runs = read(update);
		known[next] = { bytes: Buffer.from(update), runs };
		next = (next + 1) % remembered;
		return runs;
	};
}

/** @param update Of Yjs. */
export function readRunsOfEdits(update: Uint8Array): readonly Run[] {
	const { from, to } = Y.parseUpdateMeta(update);
	const runs: Run[] = [];
	for (const [clientId, end] of to) {
		const author = authorOf(clientId);
		if (author !== undefined) runs.push({ author, from: from.get(clientId) ?? 0, to: end });
	}
	return runs;
}

/** @param update Of y-protocols' awareness: how many, then for each the Yjs client, its clock and its state as JSON. */
export function readRunsOfPresence(update: Uint8Array): readonly Run[] {
	const decoder = decoding.createDecoder(update);
	const runs: Run[] = [];
	for (let left = decoding.readVarUint(decoder); left > 0; left -= 1) {
		const author = authorOf(decoding.readVarUint(decoder));
		const clock = decoding.readVarUint(decoder);
		const stateBytes = decoding.readVarUint(decoder);
		decoder.pos += stateBytes;
		// The first state has clock 1.
		if (author !== undefined) runs.push({ author, from: 0, to: clock });
	}
	return runs;
}

function authorOf(clientId: number): number | undefined {
	const author = (clientId - firstClientId) / clientIdStep;
	return author >= 0 && Number.isInteger(author) ? author : undefined;
}
